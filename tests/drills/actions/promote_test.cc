// A promotion on a real pair of servers: done, proven, and refused where it would make a split
// brain.
#include "tests/drills/postgres_pair.h"

namespace gameday {

extern const ActionRow promote_action;

namespace {

class PromoteOnPostgres : public PostgresPairTest {
 protected:
  Deed promotion(const std::string& target = "standby", bool beside = false) const {
    return deed(promote_action, target, Json::object({{"beside_a_writer", beside}}));
  }
  Status perform(const Deed& wanted) { return promote_action.perform(wanted, world_.context()); }
  Result<Proof> prove(const Deed& wanted) { return promote_action.prove(wanted, world_.context()); }
};

TEST_F(PromoteOnPostgres, TheStandbyTakesWritesOnANewTimeline) {
  primary_.stop();
  EXPECT_FALSE(prove(promotion())->held);
  const auto done = perform(promotion());
  ASSERT_TRUE(done) << done.error().text;
  const auto proof = prove(promotion());
  ASSERT_TRUE(proof);
  EXPECT_TRUE(proof->held) << proof->text;
  EXPECT_TRUE(proof->text.ends_with("takes writes on timeline 2")) << proof->text;
  EXPECT_EQ(proof->facts.integer("timeline", 0), 2);
  EXPECT_EQ(standby_.psql("INSERT INTO sales.lines VALUES (1, 'new') RETURNING 1"), "1");
}

TEST_F(PromoteOnPostgres, WhoTakesWritesIsNoReplica) {
  standby_.stop();
  expect_refused(perform(promotion("primary")), "is no replica");
}

TEST_F(PromoteOnPostgres, BesideAWriterItIsRefusedUnlessThatIsMeant) {
  expect_refused(perform(promotion()), "there would be two writers: primary (timeline 1)");
  EXPECT_EQ(standby_.psql("SELECT pg_is_in_recovery()"), "t");
  ASSERT_TRUE(perform(promotion("standby", true)));
  EXPECT_TRUE(prove(promotion("standby", true))->held);
  const auto proof = prove(promotion());
  ASSERT_TRUE(proof);
  EXPECT_FALSE(proof->held);
  EXPECT_TRUE(proof->text.ends_with("timeline 2, and so does primary (timeline 1): a split brain"))
      << proof->text;
}

TEST_F(PromoteOnPostgres, OneThatLetsClientsOnlyReadIsNotProven) {
  primary_.stop();
  ASSERT_TRUE(perform(promotion()));
  standby_.change("ALTER SYSTEM SET default_transaction_read_only = on");
  standby_.change("SELECT pg_reload_conf()");
  ASSERT_TRUE(eventually([&] { return !prove(promotion())->held; }));
  EXPECT_TRUE(prove(promotion())->text.contains("lets clients only read"));
}

TEST_F(PromoteOnPostgres, WhoMayNotIsToldSo) {
  primary_.change("CREATE ROLE plain LOGIN");
  ASSERT_TRUE(eventually(
      [&] { return standby_.psql("SELECT 1 FROM pg_roles WHERE rolname = 'plain'") == "1"; }));
  primary_.stop();
  aim("plain");
  expect_refused(perform(promotion()), "pg_promote");
}

}  // namespace
}  // namespace gameday
