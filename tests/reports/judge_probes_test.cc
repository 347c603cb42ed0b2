// Criteria that the playbook's own probes are evidence for: each way says yes, no, and that it
// cannot tell.
#include <gtest/gtest.h>

#include "reports/document.h"
#include "reports/score.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

// A fault from 30 s to 50 s, and a probe asked every second for 150 s.
constexpr double kFrom = 30, kTo = 50, kEnd = 150;

struct Terms {
  std::string criterion = "SEC-6";
  std::string level = "E3";
  bool (*good)(double at_s) = [](double) { return true; };
  bool outage = false;  // while the fault is in force
  double every = 1, end = kEnd;
  bool proven = true;
  double second = kEnd;  // when another fault comes, for 2 s; kEnd: never
};

Json plan_of(const Terms& terms) {
  Json probe = Json::object({{"name", "shop-answers"},
                             {"kind", "http"},
                             {"evidence_for", Json::array().push(terms.criterion)},
                             {"evidence_level", terms.level}});
  Json step =
      Json::object({{"id", "cut"}, {"step", "fault"}, {"targets", Json::array().push("x")}});
  return Json::object({{"timeline", Json::array().push(std::move(step))},
                       {"probes", Json::array().push(std::move(probe))}});
}

Json verdict_of(const JournalMaker& maker, const Terms& terms) {
  Json outages = Json::array();
  if (terms.outage) {
    outages.push(Json::object({{"faults", Json::array().push("cut")},
                               {"from", maker.utc(kFrom)},
                               {"to", maker.utc(kTo)},
                               {"rto_s", Json::object({{"lo", 19.0}, {"hi", 20.0}})},
                               {"source", "checkout"}}));
  }
  Json fault = Json::object({{"id", "cut"}, {"proven", terms.proven}});
  return Json::object({{"verdict", "passed"},
                       {"stop", Json()},
                       {"faults", Json::array().push(std::move(fault))},
                       {"outages", std::move(outages)}});
}

Json judged_by(const Terms& terms) {
  JournalMaker maker;
  maker.planned(Json::object({{"plan", plan_of(terms)}}));
  bool begun = false, ended = false;
  for (double at = 1; at < terms.end; at += terms.every) {
    if (at >= kFrom && !begun) {
      begun = true;
      maker.deed(kFrom, "cut", "block", "x");
      maker.deed_event(kFrom, "injected", "cut", Json::object({{"ok", true}}));
      maker.deed_event(kFrom, "proof", "cut", Json::object({{"held", terms.proven}}));
    }
    if (at >= kTo && !ended) {
      ended = true;
      maker.deed_event(kTo, "gone", "cut", Json::object({{"held", true}, {"closes", true}}));
    }
    if (at == terms.second) {
      maker.deed(at, "again", "block", "x");
      maker.deed_event(at, "injected", "again", Json::object({{"ok", true}}));
      maker.deed_event(at, "proof", "again", Json::object({{"held", true}}));
    }
    if (at == terms.second + 2) {
      maker.deed_event(at, "gone", "again", Json::object({{"held", true}, {"closes", true}}));
    }
    maker.sample(at + 0.1, terms.good(at), "status 200, expected 401");
  }
  maker.event(terms.end, "verdict", verdict_of(maker, terms));
  const auto story = story_of(maker.lines());
  EXPECT_TRUE(story) << (story ? "" : story.error().text);
  const Json score = document_of(*story).get("score");
  for (const auto& pillar : score.items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      if (one.text("id") == terms.criterion) return one;
    }
  }
  return {};
}

std::string result_of(const Terms& terms) {
  const Json one = judged_by(terms);
  EXPECT_FALSE(one.text("reason").empty());
  return one.text("result");
}

bool in_force(double at) { return at >= kFrom && at < kTo; }

TEST(ProbeAlways, HoldsBeforeDuringAndAfter) {
  const Json one = judged_by({});
  EXPECT_EQ(one.text("result"), "pass") << one.dump();
  EXPECT_EQ(one.text("level"), "E3");
  EXPECT_EQ(one.items("evidence").size(), 2u);
}

TEST(ProbeAlways, SaysNoToOneOpenDoorWhenever) {
  EXPECT_EQ(result_of({.good = [](double at) { return at != 10; }}), "fail");
  EXPECT_EQ(result_of({.good = [](double at) { return at != 40; }}), "fail");
  EXPECT_EQ(result_of({.good = [](double at) { return at != 100; }}), "fail");
}

TEST(ProbeAlways, CountsNoAttemptInAnOutage) {
  const auto closed = [](double at) { return !in_force(at); };
  EXPECT_EQ(result_of({.good = closed}), "fail");
  // The system served nobody: neither a yes nor a no, and so nothing is known of `during`.
  EXPECT_EQ(result_of({.good = closed, .outage = true}), "not_assessed");
}

TEST(ProbeAlways, CannotTellFromTooFewAttempts) {
  EXPECT_EQ(result_of({.every = 20}), "not_assessed");
  EXPECT_EQ(result_of({.end = 52}), "not_assessed") << "hardly any after the fault";
}

TEST(ProbeAlways, IsInvalidWhereTheFaultWasNotProven) {
  EXPECT_EQ(result_of({.proven = false}), "invalid");
}

TEST(ProbeAfter, LooksAtTheTimeAfterAlone) {
  EXPECT_EQ(result_of({.criterion = "SEC-7", .good = [](double at) { return at >= kTo; }}), "pass");
  EXPECT_EQ(result_of({.criterion = "SEC-7", .good = [](double at) { return at < 120; }}), "fail");
}

TEST(ProbeDetects, MustTellEachFaultInTime) {
  const auto alert = [](double at) { return at >= 45 && at < 60; };
  EXPECT_EQ(result_of({.criterion = "OPS-1", .good = alert}), "pass");
  EXPECT_EQ(result_of({.criterion = "OPS-1", .good = [](double) { return false; }}), "fail");
  EXPECT_EQ(result_of({.criterion = "OPS-1", .good = [](double at) { return at > 95; }}), "fail")
      << "later than 60 s";
  EXPECT_EQ(result_of({.criterion = "OPS-1", .good = [](double) { return true; }}), "not_assessed")
      << "what always fires tells nothing";
}

TEST(ProbeDetects, CannotTellAFaultThatCameWhileItFiredAlready) {
  const auto twice = [](double at) { return (at >= 31 && at < 52) || (at >= 71 && at < 80); };
  EXPECT_EQ(result_of({.criterion = "OPS-1", .good = twice, .second = 70}), "pass");
  const Json one = judged_by({.criterion = "OPS-1", .good = twice, .second = 51});
  EXPECT_EQ(one.text("result"), "not_assessed");
  EXPECT_TRUE(one.text("reason").ends_with("1 other came while its probes were not quiet"))
      << one.dump();
}

TEST(ProbeQuiet, MayNotFireWhileAllIsWell) {
  EXPECT_EQ(result_of({.criterion = "OPS-3", .good = in_force}), "pass");
  EXPECT_EQ(result_of({.criterion = "OPS-3", .good = [](double at) { return at < 5; }}), "fail");
  EXPECT_EQ(result_of({.criterion = "OPS-3", .good = [](double at) { return at > 140; }}), "fail");
  EXPECT_EQ(
      result_of({.criterion = "OPS-3", .good = [](double at) { return at < kTo + 30; }, .end = 52}),
      "fail");
}

TEST(ProbeInforms, NeedsMoreThanOneFaultToBeSure) {
  EXPECT_EQ(result_of({.criterion = "OPS-2", .good = in_force}), "not_assessed");
  EXPECT_EQ(result_of({.criterion = "OPS-2", .good = [](double) { return false; }}), "fail")
      << "no better than a coin";
}

TEST(EvidenceLevel, OfTooLowALevelCannotPass) {
  EXPECT_EQ(result_of({.level = "E2"}), "not_assessed");
  EXPECT_EQ(result_of({.level = "E4"}), "pass");
  // Least privilege wants a refusal; configuration that was read gives half.
  EXPECT_EQ(result_of({.criterion = "SEC-1", .level = "E4"}), "pass");
  EXPECT_EQ(result_of({.criterion = "SEC-1", .level = "E1"}), "partial");
  EXPECT_EQ(judged_by({.criterion = "SEC-1", .level = "E1"}).number("score", 0), 0.5);
  EXPECT_EQ(result_of({.level = "E2", .good = [](double) { return false; }}), "fail")
      << "it can say no";
}

TEST(Evidence, BringsTheNeedWithIt) {
  EXPECT_EQ(result_of({.criterion = "SEC-3"}), "pass") << "a TLS probe is TLS declared";
}

}  // namespace
}  // namespace gameday
