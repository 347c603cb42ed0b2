#include "engine/load/scheduler.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gameday {
namespace {

const Instant kStart = Instant(std::chrono::hours(5));

TEST(Scheduler, ConstantArrivalsFollowFromTheIndex) {
  Scheduler scheduler({.rate = 3, .arrivals = Arrivals::constant, .seed = 1, .start = kStart});
  for (std::uint64_t i = 0; i < 3'000'000; ++i) scheduler.advance();
  EXPECT_EQ(scheduler.index(), 3'000'000U);
  EXPECT_EQ(scheduler.due(), kStart + std::chrono::seconds(1'000'000));
}

TEST(Scheduler, TheFirstConstantArrivalIsDueAtTheStart) {
  const Scheduler scheduler({.rate = 200, .start = kStart});
  EXPECT_EQ(scheduler.index(), 0U);
  EXPECT_EQ(scheduler.due(), kStart);
}

std::vector<double> gaps(std::uint64_t seed, double rate, int count) {
  Scheduler scheduler({.rate = rate, .arrivals = Arrivals::poisson, .seed = seed, .start = kStart});
  std::vector<double> all;
  Instant last = kStart;
  for (int i = 0; i < count; ++i, scheduler.advance()) {
    all.push_back(seconds(scheduler.due() - last));
    last = scheduler.due();
  }
  return all;
}

TEST(Scheduler, PoissonGapsHaveTheMeanAndVarianceOfAnExponential) {
  constexpr int kCount = 200'000;
  constexpr double kRate = 50;
  const auto all = gaps(42, kRate, kCount);
  double sum = 0, squares = 0;
  for (const double gap : all) {
    EXPECT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 1 / kRate, 0.01 / kRate);
  EXPECT_NEAR(squares / kCount - mean * mean, 1 / (kRate * kRate), 0.03 / (kRate * kRate));
}

TEST(Scheduler, PoissonCountsPerSecondHaveAsMuchVarianceAsMean) {
  constexpr double kRate = 20;
  std::vector<double> counts(5000);
  double t = 0;
  for (const double gap : gaps(3, kRate, 120'000)) {
    t += gap;
    if (t < 5000) counts[static_cast<std::size_t>(t)] += 1;
  }
  double sum = 0, squares = 0;
  for (const double c : counts) {
    sum += c;
    squares += c * c;
  }
  const double mean = sum / 5000;
  EXPECT_NEAR((squares / 5000 - mean * mean) / mean, 1, 0.08);
}

const RateCurve kStages({{.from = 20, .to = 20, .length = std::chrono::seconds(100)},
                         {.from = 20, .to = 220, .length = std::chrono::seconds(100)}});

TEST(Scheduler, DueTimesFollowTheStages) {
  Scheduler scheduler({.rate = kStages, .start = kStart});
  std::vector<Instant> due;
  for (int i = 0; i < 15'000; ++i, scheduler.advance()) due.push_back(scheduler.due());
  EXPECT_EQ(due[0], kStart);
  EXPECT_EQ(due[2000], kStart + std::chrono::seconds(100));
  EXPECT_EQ(due[2000 + 3500], kStart + std::chrono::seconds(150));
  EXPECT_EQ(due[2000 + 12000 + 220], kStart + std::chrono::seconds(201));
  EXPECT_EQ(scheduler.rate(kStart + std::chrono::seconds(150)), 120);
}

// Where constant arrivals are as many as the integral says, Poisson's are in the mean, with as much
// variance in each second.
TEST(Scheduler, PoissonArrivalsFollowTheStagesByAChangeOfTime) {
  std::vector<double> counts(300);
  constexpr int kSeeds = 60;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Scheduler scheduler({.rate = kStages,
                         .arrivals = Arrivals::poisson,
                         .seed = static_cast<std::uint64_t>(seed),
                         .start = kStart});
    for (; scheduler.due() < kStart + std::chrono::seconds(300); scheduler.advance()) {
      counts[static_cast<std::size_t>(seconds(scheduler.due() - kStart))] += 1;
    }
  }
  double chi = 0;
  for (int second = 0; second < 300; ++second) {
    const Duration at = std::chrono::seconds(second);
    const auto expected = kSeeds * static_cast<double>(kStages.count(at + std::chrono::seconds(1)) -
                                                       kStages.count(at));
    chi += (counts[static_cast<std::size_t>(second)] - expected) *
           (counts[static_cast<std::size_t>(second)] - expected) / expected;
  }
  EXPECT_NEAR(chi / 300, 1, 0.3);  // of 300 free counts: its own deviation is 0.08
}

TEST(Scheduler, TheSeedAloneDecidesPoissonArrivals) {
  EXPECT_EQ(gaps(5, 100, 1000), gaps(5, 100, 1000));
  EXPECT_NE(gaps(5, 100, 1000), gaps(6, 100, 1000));
}

}  // namespace
}  // namespace gameday
