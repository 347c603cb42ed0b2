#include "drills/systems/connection_holder.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow exhaust_connections_fault;

namespace {

using namespace std::chrono_literals;

class ExhaustConnectionsOnPostgres : public PostgresFaultTest {
 protected:
  ExhaustConnectionsOnPostgres() : PostgresFaultTest(exhaust_connections_fault) {
    setenv("GAMEDAY_PROGRAM", GAMEDAY_BIN_DIR "/../gameday", 1);
  }
  void TearDown() override {
    for (const auto& id : holders()) (void)world_.doors().processes.signal(id, SIGKILL);
  }
  static Json connections(int count) { return Json::object({{"connections", count}}); }
  std::vector<ProcessId> holders() {
    return stressors_of(world_.private_folder() + "/drill-1.lease", "drill-1", world_.doors());
  }
  Result<Postgres> log_in() {
    return Postgres::open(*postgres_settings_of(cluster_.conninfo("shop")), world_.clock(),
                          context().until);
  }
  std::string held() const {
    return psql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gameday drill-1 "
        "holds'");
  }
};

TEST_F(ExhaustConnectionsOnPostgres, SomeAreHeldAndLetGo) {
  (void)target_as("drill");
  const Undo undo = prepared(connections(5));
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(held(), "5");
  EXPECT_EQ(prove(undo).text, "the server has 5 connections of the deed's");
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(exhaust_connections_fault.renew(undo, context()));
  expect_undone(undo);
  EXPECT_EQ(held(), "0");
  EXPECT_TRUE(holders().empty());
  expect_undone(undo);
}

TEST_F(ExhaustConnectionsOnPostgres, WithAllOfThemNobodyElseGetsIn) {
  (void)target_as("drill");
  // The cluster has 20, and keeps 3 for superusers.
  auto client = log_in();
  ASSERT_TRUE(client);
  const Undo undo = prepared(connections(17));
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(eventually([&] { return !log_in(); }));
  EXPECT_EQ(sqlstate_in(log_in().error().text), kTooManyConnections);
  EXPECT_TRUE(eventually([&] { return prove(undo).facts.boolean("full", false); }));
  EXPECT_TRUE(prove(undo).held);
  // What somebody lets go of is taken too.
  client = std::unexpected(Error{});
  EXPECT_TRUE(eventually([&] { return held() == "17"; }));
  expect_undone(undo);
  EXPECT_TRUE(log_in());
}

TEST_F(ExhaustConnectionsOnPostgres, WhenNobodyRenewsTheLeaseTheyEnd) {
  (void)target_as("drill");
  const Undo undo = prepared(connections(3));
  ASSERT_TRUE(inject(undo));
  const Instant end = world_.clock().in(kStressLease + 3s);
  while (held() != "0" && world_.clock().now().boot < end) {
    (void)world_.clock().sleep({{}, world_.clock().in(50ms)});
  }
  EXPECT_EQ(held(), "0");
  EXPECT_TRUE(holders().empty());
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(ExhaustConnectionsOnPostgres, ThePasswordIsInNoListOfArguments) {
  world_.secrets().learn("env:SHOP", "shop-secret");
  (void)target(cluster_.url("shop", "${env:SHOP}"));
  const Undo undo = prepared(connections(2));
  EXPECT_FALSE(to_json(undo).dump().contains("shop-secret"));
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(held(), "2");
  for (const auto& id : holders()) {
    const auto facts = world_.doors().processes.look(id.pid);
    ASSERT_TRUE(facts);
    for (const auto& argument : facts->argv) EXPECT_FALSE(argument.contains("shop-secret"));
  }
  expect_undone(undo);
}

TEST_F(ExhaustConnectionsOnPostgres, MoreThanThereAreIsRefused) {
  (void)target_as("drill");
  expect_refused(prepare(connections(18)), "has 17 connections for those who are no superusers");
}

TEST_F(ExhaustConnectionsOnPostgres, WhoMayNotIsFoundOutBefore) {
  (void)target_as("drill", "ALTER ROLE drill CONNECTION LIMIT 4");
  EXPECT_TRUE(may(connections(3)));
  expect_refused(may(connections(4)), "may not have so many connections");
}

}  // namespace
}  // namespace gameday
