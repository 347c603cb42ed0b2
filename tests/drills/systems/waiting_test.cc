#include "drills/systems/waiting.h"

#include "tests/drills/deed_world.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(Waiting, EndsWhenItShowsWhenItIsTimeAndWhenItIsStopped) {
  DeedWorld world;
  int looks = 0;
  EXPECT_TRUE(wait_until_it([&] { return ++looks == 3; }, world.context()));
  EXPECT_EQ(looks, 3);
  world.set_until({{}, world.clock().in(50ms)});
  EXPECT_TRUE(wait_until_it([] { return false; }, world.context())) << "the proof says so";
  StopSource stop;
  stop.request();
  world.set_until({stop.stop(), world.clock().in(30s)});
  EXPECT_EQ(wait_until_it([] { return false; }, world.context()).error().code, ErrorCode::stopped);
}

}  // namespace
}  // namespace gameday
