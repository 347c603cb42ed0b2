#include "engine/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/base/random.h"

namespace gameday {
namespace {

std::vector<Duration> drawn(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<Duration> values;
  for (std::size_t i = 0; i < count; ++i) {
    // From nanoseconds to minutes, as many of each size.
    values.emplace_back(static_cast<Duration::rep>(std::exp(random.unit() * 25)));
  }
  return values;
}

TEST(Histogram, QuantilesAreNeverTooLowAndAtMostAPercentTooHigh) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    auto values = drawn(seed, 1 + seed * 37);
    Histogram histogram;
    for (const Duration v : values) histogram.add(v);
    std::ranges::sort(values);
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = std::max(1.0, std::ceil(q * static_cast<double>(values.size())));
      const Duration exact = values[static_cast<std::size_t>(rank) - 1];
      const Duration told = histogram.quantile(q);
      EXPECT_GE(told, exact);
      EXPECT_LE(static_cast<double>(told.count()), static_cast<double>(exact.count()) * 1.008);
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.count(), values.size());
  }
}

TEST(Histogram, IsExactBelow256Nanoseconds) {
  Histogram histogram;
  for (int i = 0; i < 256; ++i) histogram.add(Duration(i));
  for (int i = 1; i <= 256; ++i) EXPECT_EQ(histogram.quantile(i / 256.0), Duration(i - 1));
}

TEST(Histogram, AdditionIsTheSameAsCountingTogether) {
  Histogram parts[3], whole;
  const auto values = drawn(7, 3000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    parts[i % 3].add(values[i]);
    whole.add(values[i]);
  }
  Histogram sum;
  for (const auto& part : parts) sum += part;
  EXPECT_EQ(sum, whole);
}

// Whoever adds them up, and in which order: the second of an hour, the thread of a process.
TEST(Histogram, AdditionHasNoOrder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Histogram a, b, c;
    for (const Duration v : drawn(seed, 200)) a.add(v);
    for (const Duration v : drawn(seed + 100, 20)) b.add(v);
    for (const Duration v : drawn(seed + 200, seed)) c.add(v);
    Histogram left = a, right = b, other = c;
    (left += b) += c;
    right += c;
    (other += b) += a;
    EXPECT_EQ(left, Histogram(a) += right);
    EXPECT_EQ(left, other);
    EXPECT_EQ(left, left += Histogram());
  }
}

TEST(Histogram, SurvivesItsJson) {
  Histogram histogram;
  for (const Duration v : drawn(9, 500)) histogram.add(v);
  const auto read = Histogram::from_json(histogram.to_json());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, histogram);
  EXPECT_EQ(*Histogram::from_json(Histogram().to_json()), Histogram());
}

TEST(Histogram, RefusesJsonThatIsNone) {
  for (const char* text : {"{}", R"({"count":1,"max_ns":1,"buckets":[]})",
                           R"({"count":1,"max_ns":1,"buckets":[[-1,1]]})",
                           R"({"count":1,"max_ns":1,"buckets":[[99999999,1]]})",
                           R"({"count":1,"max_ns":1,"buckets":[3]})"}) {
    EXPECT_FALSE(Histogram::from_json(*Json::parse(text))) << text;
  }
}

TEST(Histogram, TakesTheExtremes) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.99), Duration::zero());
  histogram.add(Duration(-5));
  EXPECT_EQ(histogram.max(), Duration::zero());
  histogram.add(Duration::max());
  EXPECT_EQ(histogram.quantile(1), Duration::max());
}

}  // namespace
}  // namespace gameday
