#include "drills/systems/link_trial.h"

#include "tests/drills/link_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class LinkTrialTest : public testing::Test {
 protected:
  LinkInForce link() const {
    const Link& made = running_.link();
    return {made.name, made.listen, made.to, proxy_control_path(made.listen).value(), {}};
  }

  DeedWorld world_;
  RunningLink running_{world_, "one", "eu-west"};
};

TEST_F(LinkTrialTest, BothEndsAreOursAndUpstreamIsToldNothing) {
  const auto crossed = cross(link(), 3 << 20, world_.context());
  ASSERT_TRUE(crossed) << crossed.error().text;
  for (const Passing& passing : {crossed->up, crossed->down}) {
    EXPECT_EQ(passing.bytes, 3u << 20);
    EXPECT_GT(passing.first, 0s);
    EXPECT_GT(passing.last, passing.first);
    EXPECT_GE(passing.largest_read, passing.first_read);
    EXPECT_GT(passing.rate(), 0);
  }
  EXPECT_EQ(running_.echo().accepted(), 0);
}

TEST_F(LinkTrialTest, ACrossingIsPlainData) {
  const auto crossed = cross(link(), 1000, world_.context());
  const Json written = to_json(crossed.value());
  EXPECT_EQ(to_json(crossing_from(Json::parse(written.dump()).value())), written);
  EXPECT_EQ(crossing_from(Json()).up.bytes, 0u);
}

TEST_F(LinkTrialTest, ALinkThatJoinsNothingIsLeftInTime) {
  const Json block =
      Json::object({{"op", "add"}, {"kind", "block"}, {"mark", "b"}, {"lease_s", 2.0}});
  ASSERT_TRUE(ask_link(link(), block, world_.context()));
  world_.set_until({{}, world_.clock().in(200ms)});
  const auto crossed = cross(link(), 1, world_.context());
  ASSERT_FALSE(crossed);
  EXPECT_EQ(crossed.error().code, ErrorCode::timed_out);
}

TEST_F(LinkTrialTest, WhatHasNotArrivedInTimeIsMissing) {
  const Json limit = Json::object({{"op", "add"},
                                   {"kind", "limit"},
                                   {"mark", "l"},
                                   {"lease_s", 2.0},
                                   {"bytes_per_second", 1000}});
  ASSERT_TRUE(ask_link(link(), limit, world_.context()));
  world_.set_until({{}, world_.clock().in(300ms)});
  const auto crossed = cross(link(), 10000, world_.context());
  ASSERT_TRUE(crossed) << crossed.error().text;
  EXPECT_LT(crossed->up.bytes, 1000u);
  EXPECT_LT(crossed->down.bytes, 1000u);
}

TEST_F(LinkTrialTest, AConnectionThatIsBrokenOffIsAnError) {
  const Json reset = Json::object(
      {{"op", "add"}, {"kind", "reset"}, {"mark", "r"}, {"lease_s", 2.0}, {"after_s", 0.1}});
  ASSERT_TRUE(ask_link(link(), reset, world_.context()));
  const Json limit = Json::object({{"op", "add"},
                                   {"kind", "limit"},
                                   {"mark", "l"},
                                   {"lease_s", 2.0},
                                   {"bytes_per_second", 10}});
  ASSERT_TRUE(ask_link(link(), limit, world_.context()));
  const auto crossed = cross(link(), 1000, world_.context());
  ASSERT_FALSE(crossed);
  EXPECT_EQ(crossed.error().text, "a connection of ours was broken off");
}

TEST(PassingTest, OneReadSaysNothingOfARate) {
  EXPECT_EQ((Passing{1s, 1s, 100, 100, 100}.rate()), 0);
  EXPECT_EQ((Passing{1s, 3s, 100, 100, 300}.rate()), 100);
}

}  // namespace
}  // namespace gameday
