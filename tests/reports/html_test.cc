#include "reports/html.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "reports/markup.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

bool has(const std::string& page, std::string_view text) {
  return page.find(text) != std::string::npos;
}

std::vector<std::vector<std::string>> every_drill() {
  return {passed_drill(),
          closed_drill(),
          bad_drill(),
          long_drill(),
          not_started_drill(),
          interrupted_drill(Guardian::undoes_all),
          interrupted_drill(Guardian::fails_at_one),
          interrupted_drill(Guardian::absent)};
}

// The elements that are not closed in the order in which they were opened.
std::string unbalanced(const std::string& page) {
  static const std::set<std::string> kVoid{"meta", "br", "rect", "line", "path"};
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)((?:[^>\"]|\"[^\"]*\")*)>");
  for (std::sregex_iterator it(page.begin(), page.end(), tag), end; it != end; ++it) {
    const std::string name = (*it)[2];
    const bool self_closed = (*it)[3].str().ends_with("/");
    if ((*it)[1].length() == 0) {
      if (!self_closed && (kVoid.count(name) == 0 || name == "rect")) open.push_back(name);
    } else {
      if (open.empty() || open.back() != name)
        return "</" + name + "> after <" + (open.empty() ? "" : open.back()) + ">";
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

TEST(HtmlReport, PutsTheVerdictAndItsReasonsFirst) {
  const std::string page = html_report(passed_drill());
  const auto verdict = page.find("</b> Passed");
  const auto reason = page.find("<li>every objective held");
  const auto objectives = page.find("id=\"objectives\"");
  ASSERT_NE(verdict, std::string::npos);
  EXPECT_LT(verdict, reason);
  EXPECT_LT(reason, objectives);
}

TEST(HtmlReport, ShowsWhatWasMeasured) {
  const std::string page = html_report(passed_drill());
  for (const char* text :
       {"11.9 s to 12.4 s", "within 1 min", "14,397", "id=\"timeline\"", "a connection through",
        "west-to-store passes traffic again", "by the verified restore of step restore-5",
        "not assessed", "/srv/shop/backups/store-1.db", "Consistent; origin not proven",
        "01JD2Z8Q6V4N7Y3M5K9T1W0XRA", "self-attested", "ledger.jsonl", "request by request",
        "browse", "1,699", "what answers failed", "order: body_contains"}) {
    EXPECT_TRUE(has(page, text)) << text;
  }
  EXPECT_TRUE(has(page, "class=\"p99\" d=\"M"));
  EXPECT_TRUE(has(page, "class=\"band\""));
  EXPECT_TRUE(has(page, "status 503, expected 200"));
}

TEST(HtmlReport, MarksWhatAClosedLoopMeasured) {
  const std::string page = html_report(closed_drill());
  EXPECT_TRUE(has(page, "A closed loop: 49 of 50 users asked"));
  EXPECT_TRUE(has(page, "load checkout is a closed loop: it asks less while the system is slow"));
  EXPECT_FALSE(has(html_report(passed_drill()), "closed loop"));
}

TEST(HtmlReport, ShowsTheScoreAsARangeAndWhatItGoesBy) {
  const std::string page = html_report(passed_drill());
  const std::string score = page.substr(page.find("<section id=\"score\""));
  for (const char* text : {"of 100; the range is", "coverage", "class=\"earned\"", "class=\"open\"",
                           "with every pillar alike", "REL-1", "11.9 s to 12.4 s",
                           "no probe is evidence for it", "lines in journal.jsonl"}) {
    EXPECT_TRUE(has(score, text)) << text;
  }
  EXPECT_LT(score.find("REL-9"), score.find("REL-1<")) << "what was not assessed stands first";
  EXPECT_TRUE(has(html_report(bad_drill()), "Gate G5 is shut"));
  EXPECT_FALSE(has(page, "is shut"));
}

TEST(HtmlReport, SaysWhatToDoByHandBeforeAnythingElse) {
  const std::string page = html_report(bad_drill());
  ASSERT_TRUE(has(page, "Left behind: do this by hand"));
  EXPECT_LT(page.find("Left behind"), page.find("id=\"objectives\""));
  EXPECT_TRUE(has(page, "gameday revert 01JD2Z8Q6V4N7Y3M5K9T1W0XRA"));
  EXPECT_TRUE(has(page, "613 ms")) << "how long undoing took after the stop";
  EXPECT_TRUE(has(page, "missed"));
  EXPECT_TRUE(has(page, "not judged"));
  EXPECT_FALSE(has(html_report(passed_drill()), "Left behind"));
}

TEST(HtmlReport, TellsOfADrillThatTheGuardianEnded) {
  const std::string page = html_report(interrupted_drill(Guardian::undoes_all));
  EXPECT_TRUE(has(page, "</b> Stopped"));
  EXPECT_TRUE(has(page, "by the guardian"));
  EXPECT_TRUE(has(page, "Interrupted; origin not proven"));
}

TEST(HtmlReport, TellsWhatPeopleDidAndHowLongTheyTook) {
  const std::string page = html_report(bad_drill());
  EXPECT_TRUE(has(page, "Tell the on-call engineer"));
  EXPECT_TRUE(has(page, "8.50\u00a0s")) << "how long mara took";
  EXPECT_TRUE(has(page, "mara (uid 1000)"));
  EXPECT_TRUE(has(page, "timed out"));
  EXPECT_TRUE(has(page, "the pager &lt;did&gt; ring"));
  EXPECT_TRUE(has(page, "which does not count: the operator approves nothing alone"));
  EXPECT_FALSE(has(html_report(passed_drill()), "id=\"people\"")) << "nobody was asked";
}

TEST(HtmlReport, IsTheSameBytesEachTime) {
  EXPECT_EQ(html_report(passed_drill()), html_report(passed_drill()));
  EXPECT_EQ(html_report(bad_drill()), html_report(bad_drill()));
}

TEST(HtmlReport, LoadsNothingAndRunsNothing) {
  for (const auto& lines : every_drill()) {
    const std::string page = html_report(lines);
    for (const char* text : {"<script", "src=", "href=", "@import", "url(http", "url(//"}) {
      EXPECT_FALSE(has(page, text)) << text;
    }
    EXPECT_TRUE(has(page, "default-src 'none'"));
  }
}

TEST(HtmlReport, ClosesWhatItOpens) {
  for (const auto& lines : {passed_drill(), bad_drill(), not_started_drill()}) {
    EXPECT_EQ(unbalanced(html_report(lines)), "");
  }
  EXPECT_NE(unbalanced("<p><b></p>"), "") << "the check itself must be able to say no";
}

TEST(HtmlReport, StaysUnderAMegabyteForTenMinutesAtTheirWorst) {
  EXPECT_LT(html_report(long_drill()).size(), 1U << 20);
}

TEST(HtmlReport, StaysUnderAMegabyteHoweverLongTheDrill) {
  EXPECT_LT(html_report(long_drill(30'000)).size(), 1U << 20);
}

TEST(HtmlReport, ReportsNothingOutOfAnEditedJournal) {
  auto lines = passed_drill();
  lines[20].replace(lines[20].find("200"), 3, "201");
  const std::string page = html_report(lines);
  EXPECT_TRUE(has(page, "Not verified"));
  EXPECT_TRUE(has(page, "line 21"));
  EXPECT_FALSE(has(page, "Passed"));
}

TEST(HtmlReport, TreatsEveryTextAsData) {
  const std::string evil = "\"'><script>alert(1)</script>&\xe2\x80\xae\x1b[31m\x01";
  JournalMaker maker;
  maker.planned(Json::object(
      {{"operator", evil},
       {"environment", evil},
       {"version", evil},
       {"playbook", Json::object({{"name", evil},
                                  {"summary", evil},
                                  {"owner", evil},
                                  {"vars", Json::object({{evil, evil}})}})},
       {"plan", Json::object({{"timeline", Json::array().push(Json::object(
                                               {{"id", evil}, {"fault", evil}}))}})}}));
  maker.step(1, evil, "fault", "started");
  maker.deed(1, evil, "fault" + evil, evil);
  maker.deed_event(2, "injected", evil, Json::object({{"ok", false}, {"error", evil}}));
  maker.deed_event(2, "proof", evil, Json::object({{"held", false}, {"text", evil}}));
  maker.deed_event(3, "undo", evil, Json::object({{"ok", false}, {"error", evil}, {"by", evil}}));
  maker.deed_event(4, "residue", evil, Json::object({{"text", evil}}));
  maker.sample(5, false, evil);
  maker.event(6, "evidence", Json::object({{"file", evil}, {"sha256", evil}}));
  maker.event(6, "window", Json::object({{"load", evil}, {"due", 1}, {"p99_s", 0.1}}));
  const std::string page = html_report(maker.lines());
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_FALSE(has(page, "\"'><"));
  EXPECT_FALSE(has(page, "\x1b"));
  EXPECT_FALSE(has(page, "\x01"));
  EXPECT_FALSE(has(page, "\xe2\x80\xae"));
  EXPECT_TRUE(has(page, "&quot;&#39;&gt;&lt;script&gt;"));
  EXPECT_TRUE(has(page, "[U+202E]"));
  EXPECT_EQ(unbalanced(page), "");
}

TEST(Markup, MakesControlAndBidirectionalCharactersVisible) {
  EXPECT_EQ(neutral("a\xe2\x81\xa6z\n\x07"), "a[U+2066]z [U+0007]");
  EXPECT_EQ(neutral("a\xff"), "a\xef\xbf\xbd");
  EXPECT_EQ(neutral("größe 🚀"), "größe 🚀");
  EXPECT_EQ(neutral("abcdef", 3), "abc [... cut off here]");
  EXPECT_EQ(escaped("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(Markup, ShowsFiguresInTheUnitThatFitsThem) {
  EXPECT_EQ(shown_seconds(0), "0 s");
  EXPECT_EQ(shown_seconds(0.0002), "0.20 ms");
  EXPECT_EQ(shown_seconds(0.0041), "4.10 ms");
  EXPECT_EQ(shown_seconds(0.613), "613 ms");
  EXPECT_EQ(shown_seconds(12.417), "12.4 s");
  EXPECT_EQ(shown_seconds(60), "1 min");
  EXPECT_EQ(shown_seconds(125), "2 min 05 s");
  EXPECT_EQ(shown_seconds(7320), "2 h 02 min");
  EXPECT_EQ(shown_count(-1234567), "-1,234,567");
  EXPECT_EQ(shown_count(999), "999");
  EXPECT_EQ(shown_offset(83.49), "1:23.4");
  EXPECT_EQ(shown_offset(-0.5), "-0:00.5");
}

TEST(Markup, NeverRoundsAShareUpToAll) {
  EXPECT_EQ(shown_ratio(1), "100 %");
  EXPECT_EQ(shown_ratio(0.99999), "99.99 %");
  EXPECT_EQ(shown_ratio(0.995), "99.50 %");
  EXPECT_EQ(shown_ratio(0), "0 %");
}

TEST(Markup, ShowsWhatWasNotMeasuredAsSuch) {
  EXPECT_EQ(shown_measure("rto", Json()), "not measured");
  EXPECT_EQ(shown_measure("success_rate", 0.5), "50 %");
  EXPECT_EQ(shown_measure("rto", Json::object({{"lo", 1.0}, {"hi", 2.0}})), "1.00 s to 2.00 s");
}

}  // namespace
}  // namespace gameday
