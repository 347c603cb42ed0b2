// What is late between two network namespaces of the test's own, by queues of the kernel's.
#include "drills/systems/lateness.h"

#include "tests/drills/netns_fixture.h"

namespace gameday {
namespace {

class LatenessTest : public testing::Test {
 protected:
  LatenessTest() {
    // A guest takes its time where its machine is busy.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(5))});
  }
  [[nodiscard]] std::vector<LatePath> paths() const {
    const auto found = paths_by({way_in_}, world_.context());
    EXPECT_TRUE(found) << (found ? "" : found.error().text);
    return found.value_or(std::vector<LatePath>{});
  }
  [[nodiscard]] Proof measured(const std::vector<LatePath>& paths,
                               const std::string& direction = "both") const {
    const auto proof = measure_lateness(paths, direction, kLate, world_.context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  [[nodiscard]] std::string queues() const {
    return near_.run({"tc", "qdisc", "show"}) + far_.run({"tc", "qdisc", "show"});
  }
  // By which the far end sends, or the near one to it.
  [[nodiscard]] Shaped end(const TestNetns& netns) const {
    const auto all = interfaces_in(netns.path(), world_.context());
    EXPECT_TRUE(all && all->size() == 1);
    return {*netns_named(netns.path()), all->front(), handle_of("drill-1"), 0, kLate};
  }

  static constexpr Lateness kLate{.latency = 200'000};
  mutable DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
  const Flow way_in_{"in",
                     Family::v4,
                     {*netns_named(near_.path()), "10.77.0.1"},
                     {*netns_named(far_.path()), "10.77.0.2"}};
};

TEST_F(LatenessTest, WhatIsInTimeIsNotLate) {
  const auto ways = paths();
  ASSERT_EQ(ways.size(), 1U);
  const Proof proof = measured(ways);
  EXPECT_FALSE(proof.held) << proof.text;
  EXPECT_LT(proof.facts.items("networks").front().number("in_s", 1), 0.19);
  EXPECT_FALSE(measured({}).held);
}

TEST_F(LatenessTest, AWayByWhichNothingComesIsNoPath) {
  const auto before = paths();
  (void)far_.run({"iptables", "-A", "OUTPUT", "-p", "udp", "-j", "DROP"});
  EXPECT_TRUE(paths().empty());
  const Proof proof = measured(before);
  EXPECT_FALSE(proof.held);
  EXPECT_TRUE(proof.text.contains("nothing of ours came through")) << proof.text;
}

TEST_F(LatenessTest, APathIsPlainData) {
  const auto ways = paths();
  ASSERT_EQ(ways.size(), 1U);
  const std::string written = to_json(ways.front()).dump();
  const auto again = late_path_from(Json::parse(written).value());
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again).dump(), written);
}

// On a kernel that has netem (tests/systems/netem).
using LatenessOnNetem = LatenessTest;

TEST_F(LatenessOnNetem, IsMeasuredEachWayWhileItLastsAndThenAllIsAsItWas) {
  const std::string before = queues();
  const auto ways = paths();
  const Shaped in = end(near_), out = end(far_);
  for (const Shaped& one : {in, out}) ASSERT_TRUE(may_shape(one, world_.context()));
  EXPECT_EQ(queues(), before);
  EXPECT_FALSE(measured(ways).held);

  ASSERT_TRUE(shape(in, world_.context()));
  const Proof half = measured(ways, "in");
  EXPECT_TRUE(half.held) << half.text;
  EXPECT_FALSE(measured(ways).held);
  EXPECT_FALSE(measured(ways, "out").held);

  ASSERT_TRUE(shape(out, world_.context()));
  const Proof whole = measured(ways);
  EXPECT_TRUE(whole.held) << whole.text;
  const Json network = whole.facts.items("networks").front();
  for (const char* way : {"in_s", "out_s"}) EXPECT_GE(network.number(way, 0), 0.2) << way;
  EXPECT_EQ(network.text("address"), "10.77.0.2");

  for (const Shaped& one : {in, out}) EXPECT_TRUE(unshape(one, world_.context()));
  EXPECT_EQ(queues(), before);
  EXPECT_FALSE(measured(ways).held);
}

TEST_F(LatenessOnNetem, WhatWasAsLateBeforeIsNotLateByUs) {
  ASSERT_TRUE(shape(end(near_), world_.context()));
  ASSERT_TRUE(shape(end(far_), world_.context()));
  const Proof proof = measured(paths());
  EXPECT_FALSE(proof.held) << proof.text;
}

// The other program is one that knows nothing of us.
TEST_F(LatenessOnNetem, APingIsAsLate) {
  ASSERT_TRUE(shape(end(near_), world_.context()));
  ASSERT_TRUE(shape(end(far_), world_.context()));
  const std::string said = near_.run({"busybox", "ping", "-q", "-c", "3", "10.77.0.2"});
  const std::string_view least = "min/avg/max = ";
  ASSERT_TRUE(said.contains(least)) << said;
  EXPECT_GE(std::atof(said.substr(said.find(least) + least.size()).c_str()), 400) << said;
}

}  // namespace
}  // namespace gameday
