// Real queues, in network namespaces of the test's own.
#include "drills/systems/shaping.h"

#include "engine/base/text.h"
#include "tests/drills/netns_fixture.h"

namespace gameday {
namespace {

class ShapingTest : public testing::Test {
 protected:
  ShapingTest() {
    const auto all = interfaces_in(near_.path(), world_.context());
    EXPECT_TRUE(all && all->size() == 1) << (all ? "" : all.error().text);
    if (all && !all->empty()) {
      slowed_ = {*netns_named(near_.path()), all->front(), handle_of("drill-1"), 50'000};
    }
  }
  [[nodiscard]] std::string queue() const { return near_.run({"tc", "qdisc", "show"}); }
  [[nodiscard]] bool there(const Shaped& shaped) const {
    const auto seen = look_at_shaping(shaped, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen && seen->there;
  }

  mutable DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
  Shaped slowed_;
};

TEST_F(ShapingTest, IsThereWithItsRateAndThenAsItWas) {
  const std::string before = queue();
  EXPECT_EQ(slowed_.interface.name, "east");
  EXPECT_GT(slowed_.interface.peer, 0);
  ASSERT_TRUE(may_shape(slowed_, world_.context()));
  EXPECT_FALSE(there(slowed_));
  ASSERT_TRUE(shape(slowed_, world_.context()));
  EXPECT_TRUE(there(slowed_));
  EXPECT_TRUE(queue().contains("rate 400Kbit")) << queue();
  // As another process reads it.
  const auto again = shaped_from(Json::parse(to_json(slowed_).dump()).value());
  ASSERT_TRUE(again);
  ASSERT_TRUE(unshape(*again, world_.context()));
  EXPECT_EQ(queue(), before);
  EXPECT_TRUE(unshape(*again, world_.context()));
}

TEST_F(ShapingTest, TakesNobodysPlaceAndLeavesAnothersAlone) {
  ASSERT_TRUE(shape(slowed_, world_.context()));
  Shaped other = slowed_;
  other.handle = handle_of("drill-2");
  EXPECT_FALSE(may_shape(other, world_.context()));
  EXPECT_FALSE(shape(other, world_.context()));
  EXPECT_FALSE(there(other));
  EXPECT_TRUE(unshape(other, world_.context()));
  EXPECT_TRUE(there(slowed_));
  ASSERT_TRUE(unshape(slowed_, world_.context()));
}

TEST_F(ShapingTest, AnInterfaceOrNamespaceThatIsGoneHasNothingLeft) {
  ASSERT_TRUE(shape(slowed_, world_.context()));
  near_.ip({"link", "del", "east"});
  EXPECT_FALSE(there(slowed_));
  EXPECT_TRUE(unshape(slowed_, world_.context()));
  EXPECT_FALSE(shape(slowed_, world_.context()));
  near_.close();
  EXPECT_FALSE(there(slowed_));
  EXPECT_TRUE(unshape(slowed_, world_.context()));
}

TEST_F(ShapingTest, OneThatWasRenamedIsFoundByItsNumber) {
  ASSERT_TRUE(shape(slowed_, world_.context()));
  near_.ip({"link", "set", "east", "down"});
  near_.ip({"link", "set", "east", "name", "orient"});
  EXPECT_TRUE(there(slowed_));
  ASSERT_TRUE(unshape(slowed_, world_.context()));
  EXPECT_FALSE(queue().contains("tbf")) << queue();
}

// On a kernel that has netem (tests/systems/netem).
class ShapingOnNetem : public ShapingTest {
 protected:
  ShapingOnNetem() {
    // A guest takes its time where its machine is busy.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(5))});
    slowed_.rate = 0;
    slowed_.late = {.latency = 33'333, .jitter = 4'000};
  }
};

TEST_F(ShapingOnNetem, IsThereWithItsLatenessAndThenAsItWas) {
  const std::string before = queue();
  ASSERT_TRUE(may_shape(slowed_, world_.context()));
  ASSERT_TRUE(shape(slowed_, world_.context()));
  EXPECT_TRUE(there(slowed_));
  EXPECT_TRUE(queue().contains("limit 100000 delay 35.3ms  2ms")) << queue();
  const auto again = shaped_from(Json::parse(to_json(slowed_).dump()).value());
  ASSERT_TRUE(again);
  ASSERT_TRUE(unshape(*again, world_.context()));
  EXPECT_EQ(queue(), before);
}

TEST_F(ShapingOnNetem, OneThatSomebodyHasMadeAnotherIsLeft) {
  ASSERT_TRUE(shape(slowed_, world_.context()));
  const auto change = [&](const std::string& latency, const std::string& jitter) {
    (void)near_.run({"tc", "qdisc", "change", "dev", "east", "root", "handle", slowed_.handle,
                     "netem", "limit", "100000", "delay", latency, jitter});
  };
  change("36ms", "2ms");
  EXPECT_FALSE(there(slowed_));
  EXPECT_TRUE(unshape(slowed_, world_.context()));
  change("35333us", "3ms");
  EXPECT_FALSE(there(slowed_));
  EXPECT_TRUE(unshape(slowed_, world_.context()));
  change("35333us", "2ms");
  EXPECT_TRUE(there(slowed_));
  EXPECT_TRUE(unshape(slowed_, world_.context()));
  EXPECT_FALSE(queue().contains("netem")) << queue();
}

TEST_F(ShapingOnNetem, OfSomebodyElseIsRefusedAndLeft) {
  (void)near_.run({"tc", "qdisc", "add", "dev", "east", "root", "handle", "7fff:", "netem", "limit",
                   "100000", "delay", "35333us", "2ms"});
  const std::string before = queue();
  const auto refused = may_shape(slowed_, world_.context());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_FALSE(shape(slowed_, world_.context()));
  EXPECT_FALSE(there(slowed_));
  EXPECT_TRUE(unshape(slowed_, world_.context()));
  EXPECT_EQ(queue(), before);
}

// As on a kernel that was built without it: it is a module here, which the kernel asks for.
TEST_F(ShapingOnNetem, AKernelWithoutItRefusesBeforeAnythingIsTouched) {
  const std::string before = queue(), asks = near_.run({"cat", "/proc/sys/kernel/modprobe"});
  (void)near_.run({"sh", "-c",
                   "echo /bin/false >/proc/sys/kernel/modprobe; "
                   "! grep -q ^sch_netem /proc/modules || busybox rmmod sch_netem"});
  const auto refused = may_shape(slowed_, world_.context());
  (void)near_.run(
      {"sh", "-c", "echo " + std::string(trimmed(asks)) + " >/proc/sys/kernel/modprobe"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_TRUE(refused.error().text.contains("this kernel has no netem: name a link instead"))
      << refused.error().text;
  EXPECT_EQ(queue(), before);
  EXPECT_TRUE(may_shape(slowed_, world_.context()));
}

TEST(ShapingHandles, AreNumbersThatTheKernelDoesNotGiveOut) {
  for (int i = 0; i < 2000; ++i) {
    const std::string handle = handle_of("mark-" + std::to_string(i));
    ASSERT_TRUE(handle.ends_with(':')) << handle;
    const auto number = std::stoul(handle, nullptr, 16);
    ASSERT_GT(number, 0U);
    ASSERT_LT(number, 0x8000U);
    ASSERT_FALSE(handle.starts_with('0')) << handle << ": tc shows it without";
  }
}

TEST(ShapingDefaults, WhatTheKernelWouldNotPutThereAgainDoesNotComeBack) {
  EXPECT_TRUE(comes_back("fq_codel", "fq_codel"));
  EXPECT_FALSE(comes_back("pfifo_fast", "fq_codel"));
  for (const char* kind : {"mq", "noqueue", "noop"}) EXPECT_TRUE(comes_back(kind, "fq_codel"));
  EXPECT_TRUE(comes_back("pfifo_fast", "")) << "nobody can tell";
}

TEST(ShapingBursts, ALargestPacketPassesAtOnce) {
  const auto burst = [](std::int64_t rate, std::int64_t mtu) {
    return burst_of({{}, {"east", 2, 3, mtu}, "7abc:", rate});
  };
  EXPECT_EQ(burst(2'000, 1500), 16'000);
  EXPECT_GT(burst(2'000, 65'536), 65'536);
  EXPECT_EQ(burst(100'000'000, 1500), 2'000'000);
}

TEST(ShapingUndo, ThatLacksSomethingIsSaidToBeCorrupt) {
  EXPECT_FALSE(shaped_from(Json::object()));
  DeedWorld world;
  const TestNetns netns(world);
  const Shaped whole{*netns_named(netns.path()), {"east", 2, 3}, "7abc:", 1000};
  EXPECT_TRUE(shaped_from(to_json(whole)));
  for (const char* field : {"index", "rate"}) {
    EXPECT_FALSE(shaped_from(to_json(whole).set(field, 0))) << field;
  }
  EXPECT_FALSE(shaped_from(to_json(whole).set("handle", "")));
  // Late, and not both.
  EXPECT_FALSE(shaped_from(to_json(whole).set("latency_us", 1000)));
  EXPECT_TRUE(shaped_from(to_json(whole).set("latency_us", 1000).set("rate", 0)));
}

}  // namespace
}  // namespace gameday
