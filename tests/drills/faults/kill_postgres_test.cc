// A server of PostgreSQL on this machine, its postmaster killed as a crash does: known by the
// postmaster.pid in its data directory, and started again as it was.
#include "tests/drills/docker_fixture.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow kill_fault;

namespace {

class KillOnPostgres : public PostgresFaultTest {
 protected:
  KillOnPostgres() : PostgresFaultTest(kill_fault) {}
  void SetUp() override {
    PostgresFaultTest::SetUp();
    world_.add_target("database", "process",
                      Json::object({{"pidfile", cluster_.data() + "/postmaster.pid"}}));
  }
  // Whoever was put back is nobody's child.
  void TearDown() override {
    told("setpriv --reuid postgres --regid postgres --init-groups " +
             PostgresCluster::program("pg_ctl") + " -D " + cluster_.data() +
             " -m immediate -w stop",
         true);
  }
};

TEST_F(KillOnPostgres, ThePostmasterIsEndedAndComesBackWithWhatWasCommitted) {
  cluster_.change("INSERT INTO sales.lines VALUES (1, 'committed')");
  const Undo undo = prepared(Json::object());
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  // It was our child, and a server that starts takes a zombie for one that lives.
  (void)waitpid(cluster_.server().pid, nullptr, WNOHANG);
  EXPECT_TRUE(psql("SELECT 1").contains("refused") || psql("SELECT 1").contains("No such file"));
  expect_undone(undo);
  EXPECT_TRUE(eventually([&] { return psql("SELECT count(*) FROM sales.lines") == "11"; }))
      << cluster_.log();
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
