#include "reports/load_compare.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/random.h"

namespace gameday {
namespace {

struct Made {
  std::size_t seconds = 30;
  double p99 = 0.010;      // of a usual second
  double spread = 0.2;     // of its logarithm
  double from_before = 0;  // how much of a second's lateness goes on in the next
  double errors = 0;       // a share
  double rate = 100;
  std::string loop = "open", verdict = "measured";
  std::int64_t connections = 0;
  std::size_t marked = 0;
};

double normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.unit();
  return sum;
}

Json document(const Made& made, std::uint64_t seed) {
  Random random(seed);
  Json seconds = Json::array();
  double wave = 0;
  for (std::size_t i = 0; i < made.seconds; ++i) {
    const double kept = std::sqrt(1 - made.from_before * made.from_before);
    wave = made.from_before * wave + kept * normal(random);
    const double factor = std::exp(made.spread * wave);
    const auto due = static_cast<std::int64_t>(made.rate);
    std::int64_t errors = 0;
    for (std::int64_t n = 0; n < due; ++n) errors += random.chance(made.errors);
    seconds.push(Json::object({{"from_s", static_cast<double>(i)},
                               {"due", due},
                               {"ok", due - errors},
                               {"p50_s", made.p99 / 4 * factor},
                               {"p99_s", made.p99 * factor},
                               {"marked", i < made.marked}}));
  }
  const bool closed = made.loop == "closed";
  return Json::object({{"gameday", "1"},
                       {"command", "load"},
                       {"verdict", made.verdict},
                       {"length_s", static_cast<double>(made.seconds)},
                       {"plan", Json::object({{"loop", made.loop},
                                              {"rate", closed ? Json() : Json(made.rate)},
                                              {"arrivals", closed ? Json() : Json("constant")},
                                              {"connections", made.connections}})},
                       {"seconds", seconds}});
}

LoadComparison compared(const Made& a, const Made& b, std::uint64_t seed = 1) {
  auto made = compared_loads(document(a, 2 * seed), document(b, 2 * seed + 1), seed);
  EXPECT_TRUE(made) << made.error().text;
  return std::move(*made);
}

const LoadDifference& figure(const LoadComparison& comparison, const std::string& name) {
  for (const auto& one : comparison.differences) {
    if (one.figure == name) return one;
  }
  throw std::runtime_error(name);
}

std::string refused(const Made& a, const Made& b) {
  const auto made = compared_loads(document(a, 1), document(b, 2), 1);
  EXPECT_FALSE(made);
  return made ? "" : made.error().text;
}

TEST(LoadCompare, ARunIsNotShownToDifferFromItself) {
  const Json one = document({}, 1);
  const auto made = compared_loads(one, one, 7);
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->differs());
  EXPECT_TRUE(text_of(*made).contains("no difference was shown, which does not make them equal"));
  EXPECT_EQ(to_json(*made).boolean("differs", true), false);
}

// At 95 % of all pairs; a bootstrap of so few seconds keeps a little less than it says.
TEST(LoadCompare, OfPairsThatAreAlikeFewAreCalledDifferent) {
  for (const double from_before : {0.0, 0.5}) {
    int differ = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      Made made;
      made.from_before = from_before;
      differ += compared(made, made, seed).differs();
    }
    EXPECT_LE(differ, from_before > 0 ? 12 : 7) << from_before;
  }
}

TEST(LoadCompare, ADifferenceThatIsLargeBesideTheSpreadIsShownAndWhichWay) {
  int shown = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Made slower;
    slower.p99 = 0.015;
    const auto made = compared({}, slower, seed);
    shown += made.differs();
    EXPECT_GT(figure(made, "p99").b, figure(made, "p99").a);
  }
  EXPECT_GE(shown, 19);
  Made slower;
  slower.p99 = 0.02;
  const auto made = compared(slower, {});
  EXPECT_LT(figure(made, "p99").hi, 1);
  EXPECT_TRUE(text_of(made).contains("the two runs differ")) << text_of(made);
}

TEST(LoadCompare, WhatTheHistogramsCannotTellIsNoDifference) {
  Made a, b;
  a.spread = b.spread = 0;
  b.p99 = a.p99 * 1.007;
  EXPECT_FALSE(compared(a, b).differs());
  b.p99 = a.p99 * 1.02;
  EXPECT_TRUE(compared(a, b).differs());
}

TEST(LoadCompare, ErrorsAreComparedToo) {
  Made failing;
  failing.errors = 0.05;
  const auto made = compared({}, failing);
  EXPECT_TRUE(figure(made, "errors").shown);
  EXPECT_GT(figure(made, "errors").lo, 0);
  EXPECT_FALSE(figure(made, "p99").shown);
  EXPECT_FALSE(figure(compared({}, {}), "errors").shown);
}

TEST(LoadCompare, ClosedLoopsAreComparedByTheirRateToo) {
  Made slow, fast;
  slow.loop = fast.loop = "closed";
  fast.rate = 150;
  const auto made = compared(slow, fast);
  EXPECT_TRUE(figure(made, "ok_rate").shown);
  EXPECT_NEAR(figure(made, "ok_rate").lo, 1.5, 0.01);
}

TEST(LoadCompare, TheSameSeedMakesTheSameInterval) {
  const auto one = compared({}, {}, 3), again = compared({}, {}, 3);
  EXPECT_EQ(to_json(one), to_json(again));
}

TEST(LoadCompare, WhatCannotBeComparedIsNot) {
  Made other;
  other.loop = "closed";
  EXPECT_TRUE(refused({}, other).contains("not comparable: their loop differ"));
  other = {};
  other.rate = 102;
  EXPECT_TRUE(refused({}, other).contains("their rates differ: 100.0/s and 102.0/s"));
  other = {};
  other.seconds = 9;
  EXPECT_TRUE(refused({}, other).contains("B has 9 whole seconds"));
  other = {};
  other.marked = 21;
  EXPECT_TRUE(refused(other, {}).contains("A has 9 whole seconds that are not marked"));
  for (const char* verdict : {"inconclusive", "failed"}) {
    other = {};
    other.verdict = verdict;
    EXPECT_TRUE(refused(other, {}).contains(verdict));
  }
  Made few, many;
  few.loop = many.loop = "closed";
  many.connections = 64;
  EXPECT_TRUE(refused(few, many).contains("their connections differ"));
  EXPECT_FALSE(compared_loads(Json::object({}), document({}, 1), 1));
  EXPECT_FALSE(compared_loads(document({}, 1), Json(3), 1));
}

// The last second of a load that was stopped has fewer requests than a whole one.
TEST(LoadCompare, ASecondThatIsNotWholeDoesNotCount) {
  Json cut = document({}, 1);
  cut.set("length_s", 29.5);
  const auto made = compared_loads(cut, document({}, 2), 1);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->seconds_a, 29U);
  EXPECT_EQ(made->seconds_b, 30U);
}

TEST(LoadCompare, WhatElseIsNotTheSameIsTold) {
  Json b = document({}, 2);
  Json plan = b.get("plan");
  plan.set("url", "http://other/");
  b.set("plan", plan);
  const auto made = compared_loads(document({}, 1), b, 1);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->notes.size(), 1U);
  EXPECT_TRUE(text_of(*made).contains("not the same: url")) << text_of(*made);
}

}  // namespace
}  // namespace gameday
