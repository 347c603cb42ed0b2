// What reports and the score make of invariants.
#include "reports/invariants.h"

#include <gtest/gtest.h>

#include "reports/document.h"
#include "reports/html.h"
#include "reports/junit.h"
#include "reports/markdown.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

struct Readings {
  std::string begin = "100", restored = "100", verified = "100";  // empty: it could not be read
};

Json reading(const std::string& value) {
  const bool read = !value.empty();
  return Json::object({{"target", "bank"},
                       {"name", "total"},
                       {"must", "unchanged: 100"},
                       {"value", read && value != "NULL" ? Json(value) : Json()},
                       {"error", read ? Json() : Json("no such table")},
                       {"holds", value == "100"}});
}
Json at(const std::string& value, const char* when, const Json& step) {
  return reading(value).set("at", when).set("step", step);
}

// A drill that lacks nothing which a score goes by, and in which these were read.
std::vector<std::string> drill(const Readings& seen, bool with_ledger = true) {
  return with(
      [&](Event& event) {
        if (event.type == "replay") {
          event.type = "invariants";
          event.data = Json::object({{"ok", true},
                                     {"at", "verify"},
                                     {"step", Json()},
                                     {"invariants", Json::array().push(reading(seen.verified))}});
        }
        if (event.type != "verdict") return;
        if (!with_ledger) event.data.set("ledgers", Json::array());
        event.data.set("invariants", Json::array()
                                         .push(at(seen.begin, "begin", Json()))
                                         .push(at(seen.restored, "restore", "back"))
                                         .push(at(seen.verified, "verify", Json())));
      },
      good_drill());
}

Json document(const std::vector<std::string>& lines) {
  const auto story = story_of(lines);
  EXPECT_TRUE(story) << (story ? "" : story.error().text);
  return story ? document_of(*story) : Json::object();
}
Json intact(const Json& result) {
  for (const auto& pillar : result.get("score").items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      if (one.text("id") == "REL-4") return one;
    }
  }
  ADD_FAILURE() << "REL-4 is in no pillar";
  return {};
}
std::string gate_of(const Json& result) {
  for (const auto& gate : result.get("score").items("gates")) {
    if (gate.text("id") == "G3" && !gate.items("evidence").empty()) return gate.text("reason");
  }
  return "";
}

TEST(InvariantsScored, ThatHoldAreEvidenceBesideTheLedger) {
  const Json result = document(drill({}));
  const Json one = intact(result);
  EXPECT_EQ(one.text("result"), "pass") << one.dump();
  EXPECT_NE(one.text("reason").find("2 readings of invariants held"), std::string::npos);
  const auto plain = intact(document(good_drill()));
  EXPECT_FALSE(one.get("evidence") == plain.get("evidence")) << "no event tells of them";
  EXPECT_EQ(gate_of(result), "");
}

TEST(InvariantsScored, OneThatIsBrokenFailsAndShutsTheGate) {
  const std::string words = "invariant total of bank is 90, expected unchanged: 100";
  for (const Readings& seen : {Readings{.verified = "90"}, Readings{.restored = "90"}}) {
    const Json result = document(drill(seen));
    const Json one = intact(result);
    EXPECT_EQ(one.text("result"), "fail") << one.dump();
    EXPECT_NE(one.text("reason").find(words), std::string::npos) << one.text("reason");
    EXPECT_NE(gate_of(result).find(words), std::string::npos) << gate_of(result);
  }
  EXPECT_EQ(intact(document(drill({.verified = "NULL"}))).text("reason"),
            "invariant total of bank is NULL, expected unchanged: 100 (at the drill's end)");
  EXPECT_EQ(intact(document(drill({.verified = "90"}, false))).text("result"), "fail");
}

TEST(InvariantsScored, OneThatCouldNotBeReadIsNotAssessed) {
  const Json result = document(drill({.verified = ""}));
  const Json one = intact(result);
  EXPECT_EQ(one.text("result"), "not_assessed") << one.dump();
  EXPECT_EQ(one.text("reason"),
            "invariant total of bank not read: no such table (at the drill's end)");
  EXPECT_EQ(gate_of(result), "");
}

// They are true of all records together; of each of them, only the ledger tells.
TEST(InvariantsScored, WithoutALedgerTheyAreNotEnough) {
  const Json one = intact(document(drill({}, false)));
  EXPECT_EQ(one.text("result"), "not_assessed");
  EXPECT_EQ(one.text("reason"), "no ledger was read back; 2 readings of invariants held");
}

TEST(InvariantsScored, WhatTheLedgerFindsCorruptIsToldToo) {
  const auto lines = with(
      [](Event& event) {
        if (event.type != "verdict") return;
        Json ledger = event.data.items("ledgers").front();
        event.data.set("ledgers", Json::array().push(ledger.set("corrupt", 1)));
      },
      drill({.verified = "90"}));
  const std::string reason = intact(document(lines)).text("reason");
  EXPECT_NE(reason.find("1 corrupt; invariant total"), std::string::npos) << reason;
  const std::string gate = gate_of(document(lines));
  EXPECT_NE(gate.find("1 corrupt in checkout; invariant total"), std::string::npos) << gate;
}

TEST(InvariantsReported, InEachFormat) {
  const auto lines = drill({.restored = "90", .verified = ""});
  const auto story = story_of(lines);
  ASSERT_TRUE(story);
  const Json result = document_of(*story);
  const std::string html = html_report(*story, result);
  EXPECT_NE(html.find("<section id=\"invariants\">"), std::string::npos);
  EXPECT_NE(html.find("what step back restored"), std::string::npos);
  EXPECT_NE(html.find("not read: no such table"), std::string::npos);
  const std::string markdown = markdown_report(*story, result);
  EXPECT_NE(markdown.find("## Invariants\n"), std::string::npos);
  EXPECT_NE(markdown.find("| 90 | **no** |"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("| **not known** |"), std::string::npos);
  const std::string junit = junit_report(*story, result);
  EXPECT_NE(junit.find("<testsuite name=\"invariants\" tests=\"3\" failures=\"1\" errors=\"1\""),
            std::string::npos)
      << junit;
  EXPECT_EQ(html_report(good_drill()).find("id=\"invariants\""), std::string::npos);
}

TEST(InvariantsReported, OfADrillThatWasInterrupted) {
  JournalMaker maker;
  maker.planned();
  const auto seen = [](const char* value) { return Json::array().push(reading(value)); };
  maker.event(1, "invariants",
              Json::object({{"at", "begin"}, {"step", Json()}, {"invariants", seen("100")}}));
  maker.deed(2, "back", "restore", "bank");
  maker.deed_event(
      3, "injected", "back",
      Json::object({{"ok", true}, {"restored", Json::object({{"invariants", seen("90")}})}}));
  const Json result = document(maker.lines());
  const auto& readings = result.items("invariants");
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].text("at"), "begin");
  EXPECT_EQ(readings[1].text("at"), "restore");
  EXPECT_EQ(readings[1].text("step"), "back");
  EXPECT_NE(gate_of(result).find("(what step back restored)"), std::string::npos);
  EXPECT_EQ(document(interrupted_drill(Guardian::absent)).find("invariants"), nullptr);
}

TEST(InvariantsReported, InThePlan) {
  const auto lines = with(
      [](Event& event) {
        if (event.type != "planned") return;
        Json plan = event.data.get("plan");
        const Json total = Json::object({{"target", "bank"},
                                         {"name", "total"},
                                         {"sql", "SELECT sum(a<b) FROM accounts"},
                                         {"is", "unchanged"},
                                         {"timeout_s", 10.0}});
        event.data.set("plan", plan.set("invariants", Json::array().push(total)));
      },
      good_drill());
  EXPECT_NE(html_report(lines).find("<code>SELECT sum(a&lt;b) FROM accounts</code>"),
            std::string::npos);
}

}  // namespace
}  // namespace gameday
