#include "tests/drills/postgres_cluster.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow writers_probe;

namespace {

class WritersProbeTest : public ProbeTest {
 protected:
  WritersProbeTest() : ProbeTest(writers_probe) {}
};

TEST_F(WritersProbeTest, CheckRefusesWhatCannotBeMeant) {
  system_ = "  one: { postgres: \"host=h\" }\n  two: { postgres: \"host=i\" }\n";
  EXPECT_EQ(problem("{ writers: [one, two] }"), "");
  EXPECT_TRUE(problem("{ writers: [one] }").contains("one alone has no second writer"));
  EXPECT_TRUE(problem("{ writers: [one, one] }").contains("one stands twice"));
  EXPECT_TRUE(problem("{ writers: [one, front] }").contains("is called front"));
}

TEST_F(WritersProbeTest, WhereNobodyAnswersNothingIsKnown) {
  const LoopbackSocket bound(SOCK_STREAM, false);
  const std::string at = "\"host=127.0.0.1 user=x dbname=x port=" + std::to_string(bound.port());
  system_ = "  one: { postgres: " + at + "\" }\n  two: { postgres: " + at + "\" }\n";
  expect_no_with("{ writers: [one, two] }", "no node answers; one does not answer");
}

class WritersProbeOnPostgres : public WritersProbeTest {
 protected:
  void SetUp() override {
    primary_.start();
    primary_.make_shop();
    standby_.start();
    aim(primary_, standby_);
    // The standby has the database when it has replayed so far.
    const Instant end = world_.clock().in(std::chrono::seconds(10));
    while (ask(kAsked).text != kOneWriter && world_.clock().now().boot < end) continue;
  }
  void aim(const PostgresCluster& one, const PostgresCluster& two) {
    system_ = "  primary: { postgres: \"" + one.conninfo() + "\" }\n  standby: { postgres: \"" +
              two.conninfo() + "\" }\n";
  }
  inline static const std::string kOneWriter = "primary (timeline 1) alone takes writes";
  inline static const std::string kAsked = "{ writers: [primary, standby] }";
  inline static const std::string kWanted = "{ nodes: [primary, standby], least: 1 }";

  PostgresCluster primary_{world_.file("pg")};
  PostgresCluster standby_{world_.file("standby"), primary_};
};

TEST_F(WritersProbeOnPostgres, ASecondWriterIsNamedWithItsTimeline) {
  EXPECT_EQ(ask(kAsked).text, kOneWriter);
  standby_.change("SELECT pg_promote()");
  const auto split = ask(kAsked);
  EXPECT_FALSE(split.ok);
  EXPECT_TRUE(split.text.starts_with("2 servers of the cluster ")) << split.text;
  EXPECT_TRUE(split.text.ends_with("take writes: primary (timeline 1) and standby (timeline 2)"))
      << split.text;
  primary_.stop();
  EXPECT_TRUE(
      ask(kAsked).text.starts_with("standby (timeline 2) alone takes writes; primary does "
                                   "not answer: "));
}

TEST_F(WritersProbeOnPostgres, ThatNobodyTakesWritesIsBadWhereOneMust) {
  primary_.stop();
  EXPECT_TRUE(ask(kAsked).text.starts_with("nobody takes writes; primary does not answer"));
  EXPECT_TRUE(ask(kAsked).ok);
  EXPECT_FALSE(ask("{ writers: " + kWanted + " }").ok);
}

TEST_F(WritersProbeOnPostgres, AServerOfAnotherClusterIsNoSecondWriter) {
  PostgresCluster other(world_.file("other"));
  other.start();
  other.make_shop();
  aim(primary_, other);
  expect_no_with(kAsked, "standby is of the cluster ");
}

}  // namespace
}  // namespace gameday
