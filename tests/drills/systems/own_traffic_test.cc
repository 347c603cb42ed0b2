// Datagrams of our own, between network namespaces of the test's.
#include "drills/systems/own_traffic.h"

#include "tests/drills/netns_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class OwnTrafficTest : public testing::Test {
 protected:
  [[nodiscard]] Result<std::optional<RoundTrip>> tried(const Flow& flow) {
    return send_there_and_back(flow, 300ms, world_.context());
  }

  DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
  const TrafficEnd here_{*netns_named(near_.path()), "10.77.0.1"},
      there_{*netns_named(far_.path()), "10.77.0.2"};
  const Flow flow_{"out", Family::v4, here_, there_};
};

TEST_F(OwnTrafficTest, ComesThereAndBackByBothFamilies) {
  const Flow six{"out", Family::v6, {here_.netns, "fd77::1"}, {there_.netns, "fd77::2"}};
  for (const Flow& flow : {flow_, six}) {
    const auto trip = tried(flow);
    ASSERT_TRUE(trip && *trip) << name_of(flow.family);
    for (const Duration way : {(*trip)->there, (*trip)->back}) {
      EXPECT_GT(way, 0s);
      EXPECT_LT(way, 300ms);
    }
  }
}

TEST_F(OwnTrafficTest, WhatIsCutEitherWayOrHasNoEndComesNot) {
  const std::vector<std::string> drop = {"-p", "udp", "-j", "DROP"};
  for (const TestNetns* end : {&near_, &far_}) {
    const auto rule = [&](const std::string& verb) {
      std::vector<std::string> words = {"iptables", verb, "INPUT"};
      words.insert(words.end(), drop.begin(), drop.end());
      (void)end->run(words);
    };
    rule("-A");
    const auto trip = tried(flow_);
    ASSERT_TRUE(trip);
    EXPECT_FALSE(*trip);
    rule("-D");
  }
  Flow nowhere = flow_;
  nowhere.to.address = "10.77.0.3";
  const auto trip = tried(nowhere);
  ASSERT_TRUE(trip);
  EXPECT_FALSE(*trip);
}

TEST_F(OwnTrafficTest, AConnectionToAPortIsThatOfWhoeverIsThere) {
  const ServerInside server(far_, "10.77.0.2:80");
  const auto joined = [&](const char* address, std::int64_t port) {
    return try_to_join({"out", Family::v4, here_, {there_.netns, address, port}, false},
                       world_.context());
  };
  EXPECT_EQ(joined("10.77.0.2", 80).value(), Joined::yes);
  EXPECT_EQ(joined("10.77.0.2", 81).value(), Joined::reset);
  EXPECT_EQ(joined("10.77.0.2", 0).value(), Joined::reset) << "nobody discards there";
  EXPECT_EQ(joined("192.0.2.1", 80).value(), std::nullopt) << "no way leads there";
}

}  // namespace
}  // namespace gameday
