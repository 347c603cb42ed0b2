#include "engine/runtime/clock_watch.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SetClock : public Clock {
 public:
  Now now() const override {
    // A wait between the two halves of a reading.
    const Duration held_up = ++readings_ == held_up_at_ ? seconds(30) : Duration{};
    return {now_.boot + held_up, now_.utc};
  }
  Status sleep(const Until&) const override { return {}; }
  void pass(Duration time) {
    now_.boot += time;
    now_.utc += time;
  }

  Now now_{Instant(seconds(100)), Utc(hours(20))};
  mutable int readings_ = 0;
  int held_up_at_ = 0;
};

TEST(ClockWatch, TellsHowFarTheClockWasSetAndOnce) {
  SetClock clock;
  ClockWatch watch(clock, seconds(1));
  clock.pass(seconds(1));
  EXPECT_EQ(watch.look(), std::nullopt);
  clock.now_.utc -= hours(1);
  clock.pass(seconds(1));
  EXPECT_EQ(watch.look(), -hours(1));
  clock.pass(seconds(1));
  EXPECT_EQ(watch.look(), std::nullopt);
  clock.now_.utc += hours(1);
  EXPECT_EQ(watch.look(), hours(1));
}

TEST(ClockWatch, WhatIsToleratedIsNoJump) {
  SetClock clock;
  ClockWatch watch(clock, milliseconds(100));
  clock.now_.utc += milliseconds(100);
  EXPECT_EQ(watch.look(), std::nullopt);
  clock.now_.utc -= milliseconds(101);
  EXPECT_EQ(watch.look(), -milliseconds(101));
}

TEST(ClockWatch, OneReadingThatWasHeldUpIsNoJump) {
  SetClock clock;
  ClockWatch watch(clock, seconds(1));
  clock.held_up_at_ = clock.readings_ + 2;
  EXPECT_EQ(watch.look(), std::nullopt);
  EXPECT_EQ(watch.look(), std::nullopt);
}

}  // namespace
}  // namespace gameday
