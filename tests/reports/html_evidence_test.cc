// What the HTML report tells of probes that are evidence alone, and of what was tried over links.
#include <gtest/gtest.h>

#include "reports/html.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

// An alert that fires at the fault and is quiet otherwise, and a link that a fault is on.
std::vector<std::string> drill(bool evidence_alone = true) {
  JournalMaker maker;
  Json alert = Json::object({{"name", "alert"},
                             {"kind", "http"},
                             {"evidence_for", Json::array().push("OPS-1")},
                             {"evidence_level", "E3"},
                             {"evidence_alone", evidence_alone}});
  Json step =
      Json::object({{"id", "cut"}, {"step", "fault"}, {"targets", Json::array().push("a<b")}});
  Json plan = Json::object({{"timeline", Json::array().push(std::move(step))},
                            {"probes", Json::array().push(std::move(alert))}});
  maker.planned(Json::object({{"plan", std::move(plan)}}));
  for (double at = 1; at < 40; ++at) {
    if (at == 20) {
      maker.deed(20, "cut", "reset", "a<b");
      maker.deed_event(20, "injected", "cut", Json::object({{"ok", true}}));
      maker.deed_event(20, "proof", "cut", Json::object({{"held", true}}));
    }
    if (at == 30) {
      maker.deed_event(30, "gone", "cut", Json::object({{"held", true}, {"closes", true}}));
    }
    maker.link(at, "a<b", static_cast<std::int64_t>(at), 0);
    maker.sample(at + 0.1, at >= 20 && at < 30, "any is false", "alert");
  }
  maker.event(40, "verdict", Json::object({{"verdict", "passed"}, {"stop", Json()}}));
  return maker.lines();
}

TEST(HtmlEvidence, AQuietAlertIsNotDrawnAsAFailure) {
  const std::string page = html_report(drill());
  EXPECT_NE(page.find("evidence alone</small>"), std::string::npos);
  EXPECT_NE(page.find("<rect class=\"no\" x=\"2."), std::string::npos);
  EXPECT_EQ(page.find("<rect class=\"failed\" x=\"2."), std::string::npos);
}

TEST(HtmlEvidence, AProbeThatTheDrillGoesByIs) {
  const std::string page = html_report(drill(false));
  EXPECT_EQ(page.find("evidence alone</small>"), std::string::npos);
  EXPECT_NE(page.find("<rect class=\"failed\" x=\"2."), std::string::npos);
}

TEST(HtmlEvidence, TellsWhatWasTriedOverALinkMeanwhile) {
  const std::string page = html_report(drill());
  EXPECT_NE(page.find("Tried meanwhile</b> over link a&lt;b: 10 connections in 10.0 s"),
            std::string::npos);
}

}  // namespace
}  // namespace gameday
