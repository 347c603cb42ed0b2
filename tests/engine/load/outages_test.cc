#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/random.h"
#include "tests/engine/load/made_samples.h"

namespace gameday {
namespace {

using made::at;
using made::bad;
using made::fault;
using made::good;
using made::run;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Names = std::vector<std::string>;

double in_seconds(Duration d) { return gameday::seconds(d); }

TEST(Outages, NoneWhereEveryRequestIsAnswered) {
  EXPECT_TRUE(outages_in(run(0, 20), seconds(5), {}).empty());
  EXPECT_TRUE(outages_in({}, seconds(5), {}).empty());
}

TEST(Outages, SlowIsNotBad) {
  const std::vector<Sample> samples = {good(0), good(1, 0.9), good(2)};
  EXPECT_TRUE(outages_in(samples, milliseconds(100), {}).empty());
}

TEST(Outages, BoundsAreCountedFromTheSamplesAroundIt) {
  // Bad from 3.0 to 5.9; the last good before is due at 2.9, the first good after ends at 6.01.
  const auto found = outages_in(run(0, 20, 3, 6), seconds(5), {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].from, at(2.9));
  ASSERT_TRUE(found[0].to);
  EXPECT_NEAR(in_seconds(*found[0].to - at(0)), 6.01, 1e-6);
  EXPECT_NEAR(in_seconds(found[0].hi), 3.11, 1e-6);
  EXPECT_NEAR(in_seconds(found[0].lo), 5.9 - 3.01, 1e-6);
}

TEST(Outages, OneBadSampleIsAnOutageWithNoLowerBound) {
  const auto found = outages_in(run(0, 20, 3, 3.1), seconds(5), {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].lo, Duration::zero());
  EXPECT_NEAR(in_seconds(found[0].hi), 3.11 - 2.9, 1e-6);
}

TEST(Outages, ASuccessThatIsNotHeldDoesNotEndIt) {
  auto samples = run(0, 30, 3, 4);
  samples[80] = bad(8.0, 0.01);  // 4.0 s after the first good again, within the hold of 5 s
  const auto one = outages_in(samples, seconds(5), {});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_NEAR(in_seconds(*one[0].to - at(0)), 8.11, 1e-6);
  EXPECT_NEAR(in_seconds(one[0].lo), 8.0 - 3.01, 1e-6);
  const auto two = outages_in(samples, seconds(3), {});
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[1].from, at(7.9));
}

TEST(Outages, ABadSampleExactlyHoldLaterStillCounts) {
  auto samples = run(0, 30, 3, 4);
  samples[90] = bad(9.0, 0.01);  // exactly 5 s after the good that is due at 4.0
  EXPECT_EQ(outages_in(samples, seconds(5), {}).size(), 1U);
  samples[90] = good(9.0, 0.01);
  samples[91] = bad(9.1, 0.01);
  EXPECT_EQ(outages_in(samples, seconds(5), {}).size(), 2U);
}

TEST(Outages, BeginsAtTheFirstBadWhereNoGoodCameBefore) {
  const auto found = outages_in(run(0, 20, 0, 2), seconds(5), {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].from, at(0));
  EXPECT_NEAR(in_seconds(found[0].hi), 2.01, 1e-6);
}

TEST(Outages, OneThatNeverEndsReachesToTheLastEnd) {
  auto samples = run(0, 10, 4, 10);
  samples[98].end = at(12.5);
  const auto found = outages_in(samples, seconds(5), {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].to);
  EXPECT_NEAR(in_seconds(found[0].hi), 12.5 - 3.9, 1e-6);
  EXPECT_NEAR(in_seconds(found[0].lo), 9.9 - 4.01, 1e-6);
}

TEST(Outages, GoodsThatTheLoadDidNotWatchForTheWholeHoldAreNotSustained) {
  // Good again from 6.0; the last sample is due at 10.9, less than 5 s later.
  EXPECT_FALSE(outages_in(run(0, 11, 3, 6), seconds(5), {})[0].to);
  EXPECT_TRUE(outages_in(run(0, 11.1, 3, 6), seconds(5), {})[0].to);
}

TEST(Outages, AreBlamedOnTheFaultsOpenAtTheirStart) {
  const std::vector<FaultSpan> faults = {fault("early", 0.5, 1.0), fault("open", 2.95),
                                         fault("later", 4.0)};
  const auto found = outages_in(run(0, 20, 3, 6), milliseconds(500), faults);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].faults, Names{"open"});
}

TEST(Outages, AreBlamedOnAFaultRevertedLessThanHoldBefore) {
  // The outage is from 2.9 on.
  const std::vector<FaultSpan> within = {fault("gone", 1, 2.5)};
  EXPECT_EQ(outages_in(run(0, 20, 3, 6), milliseconds(500), within)[0].faults, Names{"gone"});
  const std::vector<FaultSpan> before = {fault("gone", 1, 2.4)};
  EXPECT_TRUE(outages_in(run(0, 20, 3, 6), milliseconds(500), before)[0].faults.empty());
}

TEST(Outages, ARequestInFlightWhenTheFaultCameIsBlamedOnIt) {
  auto samples = run(0, 20);
  samples[30] = bad(3.0, 1.0);  // due before the injection, cut off by it
  const std::vector<FaultSpan> faults = {fault("cut", 3.5, 4)};
  EXPECT_EQ(outages_in(samples, seconds(5), faults)[0].faults, Names{"cut"});
}

// A run of random goods and bads, 20 a second, each answered within 400 ms.
std::vector<Sample> random_samples(Random& random) {
  std::vector<Sample> samples;
  bool failing = false;
  for (int i = 0; i < 600; ++i) {
    if (random.chance(0.03)) failing = !failing;
    const double took = random.unit() * 0.4;
    samples.push_back(failing ? bad(i * 0.05, took) : good(i * 0.05, took));
  }
  return samples;
}

TEST(Outages, EveryBadSampleIsInExactlyOneAndTheyDoNotOverlap) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto samples = random_samples(random);
    const auto found = outages_in(samples, seconds(1), {});
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_GE(found[i].lo, Duration::zero());
      EXPECT_LE(found[i].lo, found[i].hi);
      EXPECT_EQ(found[i].to.has_value() || i + 1 == found.size(), true);
      if (i > 0) {
        EXPECT_LE(*found[i - 1].to, found[i].from);
      }
    }
    for (const Sample& s : samples) {
      if (s.good()) continue;
      const auto holds = [&](const Outage& o) {
        return o.from <= s.due && (!o.to || s.due <= *o.to);
      };
      EXPECT_EQ(std::ranges::count_if(found, holds), 1);
    }
  }
}

TEST(Outages, ALongerHoldNeverMakesMoreOfThemNorShorterOnes) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto samples = random_samples(random);
    const auto brief = outages_in(samples, milliseconds(300), {});
    const auto patient = outages_in(samples, seconds(2), {});
    EXPECT_LE(patient.size(), brief.size());
    const auto longest = [](const auto& all) {
      Duration most{};
      for (const Outage& o : all) most = std::max(most, o.hi);
      return most;
    };
    EXPECT_GE(longest(patient), longest(brief));
  }
}

}  // namespace
}  // namespace gameday
