#include "engine/base/rate_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/random.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

RateStage step(double rate, Duration length) {
  return {.from = rate, .to = rate, .length = length};
}
RateStage ramp(double from, double to, Duration length) {
  return {.from = from, .to = to, .length = length};
}
RateStage sine(double rate, double swing, Duration period, Duration length) {
  return {.from = rate, .to = rate, .swing = swing, .period = period, .length = length};
}

const std::vector<RateStage> kDay = {step(50, 10s), ramp(50, 200, 20s), step(1000, 500ms),
                                     step(7.3, 4s), sine(100, 90, 30s, 61s)};

TEST(RateCurve, OneRateIsThatRateForEver) {
  const RateCurve curve = 200;
  EXPECT_EQ(curve.at({}), 200);
  EXPECT_EQ(curve.at(1h), 200);
  EXPECT_EQ(curve.count(30s), 6000);
  for (const int i : {0, 1, 2, 7, 999, 1'000'003}) EXPECT_EQ(curve.when(i), 5ms * i) << i;
  EXPECT_EQ(curve.highest(), 200);
  EXPECT_EQ(curve.lowest(), 200);
}

TEST(RateCurve, AStepIsThereAtOnceAndARampGoesStraight) {
  const RateCurve curve(kDay);
  EXPECT_EQ(curve.at(10s - 1ns), 50);
  EXPECT_EQ(curve.at(20s), 125);
  EXPECT_EQ(curve.at(30s), 1000);
  EXPECT_EQ(curve.at(30500ms), 7.3);
  EXPECT_EQ(curve.count(10s), 500);
  EXPECT_EQ(curve.count(30s), 3000);  // 500 and, over 20 s, 125/s in the mean
  EXPECT_EQ(curve.when(500), 10s);
  EXPECT_EQ(curve.when(3000), 30s);
  // 50 u + 3.75 u^2 = 875 at u = 10.
  EXPECT_EQ(curve.when(500 + 875), 20s);
}

TEST(RateCurve, ASineGoesUpFirstAndEndsWhereItStarted) {
  const RateCurve curve({sine(100, 50, 30s, 30s)});
  EXPECT_NEAR(curve.at(7500ms), 150, 1e-9);
  EXPECT_NEAR(curve.at(22500ms), 50, 1e-9);
  EXPECT_NEAR(static_cast<double>(curve.count(30s)), 3000, 1e-9);
  EXPECT_NEAR(static_cast<double>(curve.count(15s)), 1500 + 2 * 50 * 30 / (2 * std::numbers::pi),
              1e-9);
  EXPECT_EQ(curve.highest(), 150);
  EXPECT_EQ(curve.lowest(), 50);
  EXPECT_NEAR(curve.at(1h), 100, 1e-9);
}

TEST(RateCurve, TheLastRateGoesOn) {
  const RateCurve curve({ramp(10, 30, 10s)});
  EXPECT_EQ(curve.at(10s), 30);
  EXPECT_EQ(curve.at(2h), 30);
  EXPECT_EQ(curve.count(20s), 200 + 300);
  EXPECT_EQ(curve.when(500), 20s);
}

TEST(RateCurve, TheBoundsAreThoseOfTheTimeThatIsAskedFor) {
  const RateCurve curve(kDay);
  EXPECT_EQ(curve.highest(), 1000);
  EXPECT_EQ(curve.lowest(), 7.3);
  EXPECT_EQ(curve.lowest(12s, 25s), curve.at(12s));
  EXPECT_NEAR(curve.highest(12s, 25s), curve.at(25s), 1e-6);
  EXPECT_EQ(curve.highest(28s, 30s), curve.at(30s - 1ns)) << "without the end";
  EXPECT_EQ(curve.lowest(30500ms, 31s), 7.3);
  EXPECT_EQ(curve.lowest(30s, 30400ms), 1000) << "and without what was before";
  EXPECT_EQ(curve.lowest(30s, 30s), 1000);
  EXPECT_EQ(curve.highest(29s, 30100ms), 1000) << "a spike that is inside";
  EXPECT_EQ(curve.highest(-2s, -1s), 50) << "before it there is what it begins with";
  const Duration wave = 34500ms;
  EXPECT_EQ(curve.highest(wave + 1s, wave + 10s), 190) << "its top is inside";
  EXPECT_EQ(curve.highest(wave + 8s, wave + 10s), curve.at(wave + 8s)) << "past its top";
  EXPECT_EQ(curve.lowest(wave + 50s, wave + 53s), 10) << "the second time";
}

// The next due time is that of the count that follows, whatever came before: it is the least time
// by which so much has become due, to the nanosecond.
TEST(RateCurve, TimesAndCountsAreEachOthersInverse) {
  const RateCurve curve(kDay);
  Random random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto count = static_cast<long double>(random.unit()) * 12'000;
    const Duration when = curve.when(count);
    const auto slack = static_cast<double>(curve.highest()) * 3e-9;
    EXPECT_LE(curve.count(when), count + slack) << static_cast<double>(count);
    EXPECT_GE(curve.count(when + 2ns), count - slack) << static_cast<double>(count);
  }
}

// How many are due between any two moments is the integral of the rate, within one.
TEST(RateCurve, WhatIsDueInAnyTimeIsItsIntegralWithinOne) {
  Random random(5);
  for (int round = 0; round < 40; ++round) {
    std::vector<RateStage> stages;
    for (int i = 0; i < 5; ++i) {
      const Duration length = 1ms * (1 + random.below(4000));
      const double a = 1 + 400 * random.unit(), b = 1 + 400 * random.unit();
      const auto kind = random.below(3);
      if (kind == 0) stages.push_back(step(a, length));
      if (kind == 1) stages.push_back(ramp(a, b, length));
      if (kind == 2) stages.push_back(sine(a, a * 0.999 * random.unit(), 700ms, length));
    }
    const RateCurve curve(stages);
    std::vector<Duration> due;
    for (int i = 0; due.empty() || due.back() < 20s; ++i) due.push_back(curve.when(i));
    ASSERT_TRUE(std::ranges::is_sorted(due));
    for (int i = 0; i < 300; ++i) {
      Duration from = 1us * random.below(20'000'000), to = 1us * random.below(20'000'000);
      if (from > to) std::swap(from, to);
      const auto counted = std::ranges::lower_bound(due, to) - std::ranges::lower_bound(due, from);
      const auto integral = static_cast<double>(curve.count(to) - curve.count(from));
      EXPECT_LE(std::abs(static_cast<double>(counted) - integral), 1 + 1e-5);
    }
  }
}

// After a year at a thousand a second, the next one is still a millisecond later.
TEST(RateCurve, NoRoundingGrows) {
  const RateCurve curve({ramp(1, 1000, 60s)});
  const long double year = 1000.0L * 365 * 86400;
  const Duration before = curve.when(year);
  EXPECT_NEAR(static_cast<double>((curve.when(year + 1) - before).count()), 1e6, 1);
  EXPECT_NEAR(static_cast<double>((curve.when(year + 1000) - before).count()), 1e9, 1);
}

TEST(RateCurve, ScaledItHasTheSameShape) {
  const RateCurve curve = RateCurve(kDay).scaled(0.1);
  EXPECT_EQ(curve.at(20s), 12.5);
  EXPECT_NEAR(static_cast<double>(curve.count(30s)), 300, 1e-9);
  EXPECT_NEAR(seconds(curve.when(300)), 30, 2e-9);
  EXPECT_NEAR(curve.highest(40s, 60s), 19, 1e-9);
  EXPECT_EQ(RateCurve(200).scaled(0.25).at(1h), 50);
}

}  // namespace
}  // namespace gameday
