// The primary of before a failover, made a standby of the promoted one with the real pg_rewind.
#include "tests/drills/postgres_rejoin.h"

namespace gameday {
namespace {

class RejoinOnPostgres : public PostgresRejoinTest {};

TEST_F(RejoinOnPostgres, AKilledPrimaryFollowsThePromotedOne) {
  primary_.stop();
  promote(standby_);
  standby_.change("INSERT INTO sales.lines VALUES (1, 'after')");
  EXPECT_FALSE(rejoin_action.prove(rejoining(), world_.context()).has_value());
  expect_done(rejoin_action, rejoining());
  const Proof proof = this->proof(rejoin_action, rejoining());
  EXPECT_TRUE(proof.held) << proof.text;
  EXPECT_TRUE(proof.text.starts_with("primary follows standby on timeline 2")) << proof.text;
  EXPECT_TRUE(follows(primary_, "11"));
  EXPECT_EQ(primary_.psql("SELECT pg_is_in_recovery()"), "t");
  EXPECT_EQ(standby_.psql("SELECT slot_name, active FROM pg_replication_slots"), "west|t");
  // Its own settings are its own yet: the other one's have come and gone.
  EXPECT_EQ(primary_.psql("SELECT current_setting('port')"), primary_.port());
  EXPECT_FALSE(std::filesystem::exists(primary_.data() + ".gameday"));
}

TEST_F(RejoinOnPostgres, ASecondWriterIsRewoundAndNamed) {
  primary_.stop();
  promote(standby_);
  primary_.start();
  aim();
  primary_.change("INSERT INTO sales.lines VALUES (1, 'lost')");
  const auto done = rejoin_action.perform(rejoining(), world_.context());
  expect_refused(done, "take writes: primary (timeline 1) and standby (timeline 2)",
                 ErrorCode::conflict);
  EXPECT_TRUE(done.error().text.ends_with("is thrown away"));
  EXPECT_TRUE(proof(rejoin_action, rejoining()).held) << proof(rejoin_action, rejoining()).text;
  EXPECT_TRUE(follows(primary_, "10"));
}

TEST_F(RejoinOnPostgres, WhatWasSetAsideBeforeIsPutBack) {
  primary_.stop();
  promote(standby_);
  // A run that was killed in between has left the other one's settings behind.
  const std::string aside = primary_.data() + ".gameday";
  std::filesystem::create_directory(aside);
  std::filesystem::copy_file(primary_.data() + "/postmaster.opts", aside + "/postmaster.opts");
  std::filesystem::copy_file(primary_.data() + "/pg_hba.conf", aside + "/pg_hba.conf");
  std::ofstream(primary_.data() + "/pg_hba.conf") << "local all all reject\n";
  std::filesystem::remove(primary_.data() + "/postmaster.opts");
  told("chown -R postgres: " + aside);
  expect_done(rejoin_action, rejoining());
  EXPECT_TRUE(proof(rejoin_action, rejoining()).held);
}

TEST_F(RejoinOnPostgres, AServerOfAnotherClusterIsRefusedAndGoesOn) {
  PostgresCluster other(world_.file("other"));
  other.start();
  other.make_shop();
  Json arguments = rejoining().arguments;
  arguments.set("data", other.data()).set("to", "standby");
  primary_.stop();
  promote(standby_);
  const auto done =
      rejoin_action.perform(deed(rejoin_action, "primary", arguments), world_.context());
  expect_refused(done, "and not of ");
  EXPECT_EQ(other.psql("SELECT 1"), "1");
}

// What the target says already need not be said again.
TEST_F(RejoinOnPostgres, WhereItsTargetSaysWhereItIsTheStepNeedNot) {
  Json arguments = rejoining().arguments;
  arguments.erase("data");
  const Deed unsaid = deed(rejoin_action, "primary", arguments);
  primary_.stop();
  promote(standby_);
  expect_refused(rejoin_action.perform(unsaid, world_.context()),
                 "neither `data` nor a `postgres-data` of primary", ErrorCode::invalid);
  Json& facets = std::ranges::find(world_.system().targets, "primary", &Target::name)->facets;
  facets.set("postgres-data", Json::object({{"folder", standby_.data()}}));
  expect_refused(rejoin_action.perform(rejoining(), world_.context()),
                 "the `postgres-data` of primary is " + standby_.data(), ErrorCode::invalid);
  facets.set("postgres-data", Json::object({{"folder", primary_.data()}}));
  expect_done(rejoin_action, unsaid);
  EXPECT_TRUE(proof(rejoin_action, unsaid).held) << proof(rejoin_action, unsaid).text;
}

TEST_F(RejoinOnPostgres, WhoTakesNoWritesIsNotFollowed) {
  expect_refused(rejoin_action.perform(rejoining(), world_.context()), "standby takes no writes");
  EXPECT_EQ(primary_.psql("SELECT pg_is_in_recovery()"), "f");
}

TEST_F(RejoinOnPostgres, APasswordIsNotLeftOnTheServer) {
  Json arguments = rejoining().arguments;
  arguments.set("follow", "host=h password=plain");
  const auto done =
      rejoin_action.perform(deed(rejoin_action, "primary", arguments), world_.context());
  expect_refused(done, "`follow` has a password", ErrorCode::invalid);
}

TEST_F(RejoinOnPostgres, OneThatFollowsNobodyIsNotProven) {
  const auto proof = rejoin_action.prove(
      deed(rejoin_action, "standby", Json(rejoining().arguments).set("to", "primary")),
      world_.context());
  ASSERT_TRUE(proof);
  EXPECT_TRUE(proof->held) << proof->text;
  promote(standby_);
  const auto now = rejoin_action.prove(
      deed(rejoin_action, "standby", Json(rejoining().arguments).set("to", "primary")),
      world_.context());
  ASSERT_TRUE(now);
  EXPECT_FALSE(now->held);
  EXPECT_TRUE(now->text.contains("take writes: primary")) << now->text;
}

}  // namespace
}  // namespace gameday
