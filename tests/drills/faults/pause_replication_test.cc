#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow pause_replication_fault;

namespace {

class PauseReplicationOnPostgres : public PostgresFaultTest {
 protected:
  PauseReplicationOnPostgres() : PostgresFaultTest(pause_replication_fault) {}
  void SetUp() override {
    PostgresFaultTest::SetUp();
    primary_.start();
    primary_.make_shop();
    primary_.change("CREATE ROLE drill LOGIN");
    standby_.start();
    ASSERT_TRUE(eventually([&] { return rows() == "10"; }));
    (void)target(standby_.conninfo("drill"));
  }
  std::string rows() const { return standby_.psql("SELECT count(*) FROM sales.lines"); }
  void grant() const {
    primary_.change(
        "GRANT EXECUTE ON FUNCTION pg_wal_replay_pause(), pg_wal_replay_resume() TO "
        "drill");
  }

  PostgresCluster primary_{world_.file("primary")};
  PostgresCluster standby_{world_.file("standby"), primary_};
};

TEST_F(PauseReplicationOnPostgres, TheStandbyFallsBehindAndComesUpAgain) {
  grant();
  ASSERT_TRUE(eventually([&] { return may(Json::object()).has_value(); }));
  const Undo undo = prepared(Json::object());
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  EXPECT_FALSE(gone(undo).held);
  primary_.change("INSERT INTO sales.lines VALUES (1, 'not seen yet')");
  EXPECT_TRUE(eventually([&] { return prove(undo).facts.integer("behind_bytes", 0) > 0; }));
  EXPECT_EQ(rows(), "10");
  expect_undone(undo);
  EXPECT_TRUE(eventually([&] { return rows() == "11"; }));
  expect_undone(undo);
}

TEST_F(PauseReplicationOnPostgres, WhatReplaysNothingIsRefused) {
  (void)target(primary_.conninfo("drill"));
  expect_refused(prepare(Json::object()), "is no standby");
  (void)target(standby_.conninfo());
  standby_.change("SELECT pg_wal_replay_pause()");
  ASSERT_TRUE(eventually(
      [&] { return standby_.psql("SELECT pg_get_wal_replay_pause_state()") == "paused"; }));
  expect_refused(prepare(Json::object()), "in the state 'paused'");
}

TEST_F(PauseReplicationOnPostgres, OnePromotedMeanwhileIsDone) {
  (void)target(standby_.conninfo());
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  standby_.change("SELECT pg_promote()");
  ASSERT_TRUE(eventually([&] { return standby_.psql("SELECT pg_is_in_recovery()") == "f"; }));
  EXPECT_FALSE(prove(undo).held);
  expect_undone(undo);
}

TEST_F(PauseReplicationOnPostgres, WhoMayNotIsFoundOutBefore) {
  expect_refused(may(Json::object()), "we may not call pg_wal_replay_pause()");
  const Undo undo = prepared(Json::object());
  EXPECT_EQ(inject(undo).error().code, ErrorCode::refused);
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
