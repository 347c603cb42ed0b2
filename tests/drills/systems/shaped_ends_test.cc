// Rates at two real interfaces, of which one is held up and the other is not.
#include "drills/systems/shaped_ends.h"

#include "tests/drills/netns_fixture.h"

namespace gameday {
namespace {

class ShapedEndsTest : public testing::Test {
 protected:
  ShapedEndsTest() {
    const auto all = every_interface_in(near_.path(), world_.context());
    for (const auto& one : all.value()) {
      ends_.push_back({*netns_named(near_.path()), one, handle_of("drill-1"), 100'000});
    }
  }
  // So many datagrams of 1400 bytes to that address, or as many as are not held up.
  void send_to(const std::string& address, int count) const {
    const auto where = resolve_address(address);
    const auto made = socket_inside(near_.path(), AF_INET, SOCK_DGRAM).value();
    const std::string bytes(1400, 'x');
    for (int i = 0; i < count; ++i) {
      (void)sendto(made.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, where->get(), where->size);
    }
  }
  // 700 KB a look over the cable, which is more than may pass, and too much for the loopback.
  Proof proof() {
    const auto push = [&]() -> Status {
      send_to("127.0.0.1:9", 80);
      send_to("10.77.0.2:9", 500);
      return {};
    };
    const auto seen = prove_rate(ends_, "it", push, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }

  DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
  std::vector<Shaped> ends_;
};

TEST_F(ShapedEndsTest, OneThroughWhichMorePassesThanMayIsNotProvenByAnotherThatIsHeldUp) {
  ASSERT_EQ(ends_.size(), 2U);
  ASSERT_TRUE(shape_each(ends_, world_.context()));
  EXPECT_TRUE(proof().held) << proof().text;
  // Somebody has let it pass 50 MB at once.
  (void)near_.run({"tc", "qdisc", "change", "dev", "east", "root", "handle", ends_[1].handle, "tbf",
                   "rate", "100000bps", "burst", "50000000", "latency", "400ms"});
  const Proof fast = proof();
  EXPECT_FALSE(fast.held) << fast.text;
  EXPECT_GT(fast.facts.integer("held_up", 0), 0) << fast.text;
  EXPECT_TRUE(unshape_each(ends_, world_.context()));
  EXPECT_FALSE(look_at_each(ends_, world_.context())->whole);
  EXPECT_TRUE(each_gone(ends_, "it", world_.context())->held);
}

TEST_F(ShapedEndsTest, AnUndoWithoutInterfacesIsCorrupt) {
  EXPECT_FALSE(shaped_ends_from(Json::array()));
  EXPECT_EQ(shaped_ends_from(to_json(ends_))->size(), 2U);
  // As it was saved, or a largest packet of the loopback would be held up for ever.
  EXPECT_EQ(burst_of(shaped_ends_from(to_json(ends_))->front()), burst_of(ends_.front()));
}

}  // namespace
}  // namespace gameday
