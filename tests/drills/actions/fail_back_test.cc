// Primary and standby change places in order, on real servers.
#include "tests/drills/postgres_rejoin.h"

namespace gameday {

extern const ActionRow fail_back_action;

namespace {

class FailBackOnPostgres : public PostgresRejoinTest {
 protected:
  // After a failover: `standby` takes writes, and `primary` follows it.
  void fail_over() {
    primary_.stop();
    promote(standby_);
    expect_done(rejoin_action, rejoining());
    ASSERT_TRUE(proof(rejoin_action, rejoining()).held);
  }
  Deed failing_back() const {
    return deed(fail_back_action, "primary",
                becoming(standby_, primary_, "north").set("from", "standby"));
  }
};

TEST_F(FailBackOnPostgres, TheTwoChangePlacesAndNothingIsLost) {
  fail_over();
  standby_.change("INSERT INTO sales.lines SELECT 1, 'new' FROM generate_series(1, 90)");
  expect_done(fail_back_action, failing_back());
  const Proof proof = this->proof(fail_back_action, failing_back());
  EXPECT_TRUE(proof.held) << proof.text;
  EXPECT_TRUE(proof.text.starts_with("standby follows primary on timeline 3")) << proof.text;
  EXPECT_EQ(primary_.psql("SELECT count(*) FROM sales.lines"), "100");
  primary_.change("INSERT INTO sales.lines VALUES (1, 'on')");
  EXPECT_TRUE(follows(standby_, "101"));
  // What one followed through would keep WAL on the other for nobody.
  EXPECT_EQ(standby_.psql("SELECT slot_name FROM pg_replication_slots"), "");
  EXPECT_EQ(primary_.psql("SELECT slot_name FROM pg_replication_slots WHERE active"), "north");
}

TEST_F(FailBackOnPostgres, ToOneThatIsNoStandbyItIsRefused) {
  primary_.stop();
  promote(standby_);
  primary_.start();
  aim();
  expect_refused(fail_back_action.perform(failing_back(), world_.context()),
                 "primary is no standby of standby");
  EXPECT_EQ(standby_.psql("SELECT pg_is_in_recovery()"), "f");
}

TEST_F(FailBackOnPostgres, WhereTheStandbyLacksSomethingAllIsAsItWas) {
  fail_over();
  primary_.change("SELECT pg_wal_replay_pause()");
  standby_.change("INSERT INTO sales.lines VALUES (1, 'not replayed')");
  const auto done = fail_back_action.perform(failing_back(), world_.context());
  expect_refused(done, "lacks what standby", ErrorCode::failed);
  EXPECT_TRUE(eventually([&] { return standby_.psql("SELECT pg_is_in_recovery()") == "f"; }));
  EXPECT_EQ(primary_.psql("SELECT pg_is_in_recovery()"), "t");
}

}  // namespace
}  // namespace gameday
