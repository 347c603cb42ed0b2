// What clients try again over a link, and whether that is restraint.
#include "reports/retries.h"

#include <gtest/gtest.h>

#include <functional>

#include "reports/document.h"
#include "reports/score.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

// A fault on a link from 20 s to 30 s, a load of 100 requests a second, and a look each second.
constexpr double kFrom = 20, kTo = 30;

struct Terms {
  // In the second that begins then.
  std::function<std::int64_t(double)> attempts = [](double) { return 1; };
  std::function<std::int64_t(double)> bytes = [](double) { return 1000; };
  double begin = 1, end = 120, to = kTo;
  bool load = true;
  std::string hits = "west-to-store";
};

Story told(const Terms& terms) {
  JournalMaker maker;
  Json step =
      Json::object({{"id", "cut"}, {"step", "fault"}, {"targets", Json::array().push(terms.hits)}});
  maker.planned(
      Json::object({{"plan", Json::object({{"timeline", Json::array().push(std::move(step))}})}}));
  std::int64_t accepted = 7, bytes = 0;
  bool undone = false;
  for (double at = terms.begin; at < terms.end; ++at) {
    if (at == kFrom) {
      maker.deed(kFrom, "cut", "reset", terms.hits);
      maker.deed_event(kFrom, "injected", "cut", Json::object({{"ok", true}}));
      maker.deed_event(kFrom, "proof", "cut", Json::object({{"held", true}}));
    }
    if (at >= terms.to && !undone) {
      undone = true;
      maker.deed_event(terms.to, "gone", "cut", Json::object({{"held", true}, {"closes", true}}));
    }
    maker.link(at, "west-to-store", accepted, bytes);
    if (terms.load) maker.window(at, 100, 0, 0.001, 0.002);
    accepted += terms.attempts(at);
    bytes += terms.bytes(at);
  }
  Json fault = Json::object({{"id", "cut"}, {"proven", true}});
  maker.event(terms.end, "verdict",
              Json::object({{"verdict", "passed"},
                            {"stop", Json()},
                            {"faults", Json::array().push(std::move(fault))},
                            {"outages", Json::array()}}));
  return story_of(maker.lines()).value();
}

Json judged(const Terms& terms) {
  const Json score = document_of(told(terms)).get("score");
  for (const auto& pillar : score.items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      if (one.text("id") == "REL-6") return one;
    }
  }
  return {};
}

bool in_force(double at) { return at >= kFrom && at < kTo; }
std::int64_t backs_off(double at) { return at == kFrom ? 6 : in_force(at) ? 1 : 0; }
std::int64_t hammers(double at) { return in_force(at) ? 40 : 0; }

TEST(Retries, CountsConnectionsForEachRequestDue) {
  const auto found = retries_of(told({.attempts = backs_off}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].link, "west-to-store");
  EXPECT_EQ(found[0].fault, "cut");
  EXPECT_NEAR(found[0].attempts, 15, 1e-6);
  EXPECT_EQ(found[0].due, 1000);
  EXPECT_NEAR(found[0].amplification().value(), 0.015, 1e-6);
  EXPECT_NEAR(found[0].early_per_s.value(), 3.5, 1e-6);
  EXPECT_NEAR(found[0].late_per_s.value(), 1, 1e-6);
  EXPECT_TRUE(found[0].baseline);
  EXPECT_EQ(found[0].busy_after_s, 0);
  EXPECT_EQ(in_words(found[0]),
            "15 connections in 10.0 s, 0.01 for each request due; 3.5 a second at first, 1.0 "
            "later; no busier afterwards than before");
}

TEST(Retries, SeesHowLongTheLinkIsBusierThanBefore) {
  const auto stormy = [](double at) -> std::int64_t { return at >= kTo && at < 45 ? 50 : 1; };
  EXPECT_NEAR(retries_of(told({.attempts = stormy}))[0].busy_after_s.value(), 15.5, 0.6);
  const auto heavy = [](double at) -> std::int64_t {
    return at >= kTo && at < 40 ? 200'000 : 1000;
  };
  EXPECT_NEAR(retries_of(told({.bytes = heavy}))[0].busy_after_s.value(), 10.5, 0.6);
}

TEST(Retries, AreOfLinksAlone) { EXPECT_TRUE(retries_of(told({.hits = "west"})).empty()); }

TEST(Restraint, HoldsForClientsThatBackOff) {
  const Json one = judged({.attempts = backs_off});
  EXPECT_EQ(one.text("result"), "pass") << one.dump();
  EXPECT_EQ(one.text("level"), "E3");
  EXPECT_EQ(one.items("evidence").size(), 2u);
}

TEST(Restraint, HoldsForWhoeverAsksAtAnEvenPaceThatIsNoStorm) {
  EXPECT_EQ(judged({.attempts = [](double) { return 5; }}).text("result"), "pass");
}

TEST(Restraint, SaysNoToClientsThatDoNotBackOff) {
  const Json one = judged({.attempts = hammers});
  EXPECT_EQ(one.text("result"), "fail");
  EXPECT_TRUE(one.text("reason").starts_with("no backing off: link west-to-store during cut: 400"))
      << one.dump();
}

TEST(Restraint, SaysNoToMoreAttemptsThanRequests) {
  const auto more = [](double at) -> std::int64_t {
    return at < kFrom + 2 && in_force(at) ? 2000 : 0;
  };
  const Json one = judged({.attempts = more});
  EXPECT_EQ(one.text("result"), "fail");
  EXPECT_TRUE(one.text("reason").starts_with("more than 3.0 for each request due")) << one.dump();
}

TEST(Restraint, SaysNoToAStormAfterTheHeal) {
  const auto stormy = [](double at) -> std::int64_t { return at >= kTo && at < 110 ? 50 : 1; };
  const Json one = judged({.attempts = stormy});
  EXPECT_EQ(one.text("result"), "fail");
  EXPECT_TRUE(one.text("reason").starts_with("still busier than before 1 min after")) << one.dump();
  const auto shorter = [](double at) -> std::int64_t { return at >= kTo && at < 50 ? 50 : 1; };
  EXPECT_EQ(judged({.attempts = shorter}).text("result"), "pass");
}

TEST(Restraint, CannotTell) {
  EXPECT_EQ(judged({.hits = "west"}).text("reason"),
            "no fault was on a link, where a proxy sees who tries again");
  EXPECT_EQ(judged({.begin = 18}).text("result"), "not_assessed") << "no baseline";
  EXPECT_EQ(judged({.load = false}).text("result"), "not_assessed") << "no load";
  EXPECT_EQ(judged({.to = 22}).text("result"), "not_assessed") << "too short";
  const auto stormy = [](double at) -> std::int64_t { return at >= kTo ? 50 : 1; };
  EXPECT_EQ(judged({.attempts = stormy, .end = 50}).text("result"), "not_assessed") << "goes on";
}

}  // namespace
}  // namespace gameday
