// Texts from playbooks, servers and answers are data in every document. Put into every place where
// a journal has a text, they are read back by parsers that are not ours.
#include "reports/documents.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "engine/sys/clock.h"
#include "engine/sys/files.h"
#include "engine/sys/processes.h"
#include "reports/document.h"
#include "reports/markdown.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

// What the events mean hangs on these; the texts of all others may be anything.
const std::set<std::string, std::less<>> kMeaning{
    "what", "step", "phase", "verdict", "deed", "deeds",    "started",  "ended", "from",
    "to",   "at",   "by",    "into",    "undo", "injected", "reverted", "sha256"};

// Every text put through `change`, which is told the member that it is in.
using Change = std::string (*)(const std::string& member, const std::string& text,
                               const std::string& hostile, std::set<std::string>& done);

struct Hostile {
  const std::string& text;
  Change change;
  std::set<std::string> done;

  Json in(const std::string& member, const Json& value) {
    if (value.is_text()) return change(member, value.text(), text, done);
    Json out = value;
    if (value.is_array()) {
      out = Json::array();
      for (const auto& item : value.items()) out.push(in(member, item));
    } else if (value.is_object()) {
      out = Json::object();
      for (const auto& [name, inside] : value.members()) {
        out.set(name, kMeaning.contains(name) ? inside : in(name, inside));
      }
    }
    return out;
  }
};

std::vector<std::string> rewritten(const std::vector<std::string>& from, Hostile hostile) {
  std::vector<std::string> lines;
  std::optional<Chain> chain;
  for (const auto& line : from) {
    const Event event = *parse_event(line);
    if (!chain) chain.emplace(event.drill, event.boot, event.prev);
    const auto made = chain->line({event.at, *parse_rfc3339(event.utc)}, event.type,
                                  hostile.in(event.type, event.data));
    lines.push_back(made.line);
    chain->advance(made);
  }
  return lines;
}

std::string everywhere(const std::string&, const std::string&, const std::string& hostile,
                       std::set<std::string>&) {
  return hostile;
}
std::string once_a_member(const std::string& member, const std::string& text,
                          const std::string& hostile, std::set<std::string>& done) {
  return done.insert(member).second ? hostile : text;
}

class Documents : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gameday-documents-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // What a reader that is not ours finds wrong; empty: nothing.
  [[nodiscard]] std::string wrong_in(const std::vector<std::string>& lines) const {
    const auto story = story_of(lines);
    if (!story) return story.error().text;
    const Json result = document_of(*story);
    for (const auto& format : document_formats()) {
      EXPECT_TRUE(
          Files().write(folder_ + "/" + std::string(format.file), format.made(*story, result)));
    }
    return checked();
  }

  [[nodiscard]] std::string checked() const {
    const SystemClock clock;
    const auto ended = make_processes(clock)->run(
        {{"/usr/bin/python3", GAMEDAY_SOURCE_DIR "/tests/reports/check_documents.py", folder_},
         "/",
         {}},
        {Stop(), clock.in(std::chrono::seconds(40))});
    if (!ended) return ended.error().text;
    return ended->succeeded() ? "" : "wrong: " + ended->output;
  }

  std::string folder_;
};

TEST_F(Documents, AreWellFormedForEveryKindOfDrill) {
  for (const auto& lines :
       {passed_drill(), bad_drill(), not_started_drill(), interrupted_drill(Guardian::undoes_all),
        interrupted_drill(Guardian::fails_at_one), interrupted_drill(Guardian::absent)}) {
    EXPECT_EQ(wrong_in(lines), "");
  }
}

const std::string kHostile[] = {
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;<!-- ]]> <b>",
    "[click](http://evil.example/) ![i](x) <http://evil.example> www.evil.example a@evil.example",
    "a | b || c \\| d \\\\| e\n| f |\n\n# heading\n- item\n```\ncode\n",
    "` `` ``` `a|b` \\` $x$ *b* _i_ ~~s~~ &lt; @somebody #123 1. - + =",
    std::string("\x00\x01\x1b[31m\x7f\r\n\t\x0b", 11),
    "\xe2\x80\xae"
    "evil"
    "\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xc2\xad\xf3\xa0\x80\x81",
    "\xff\xfe\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80",
    "\xef\xbf\xbe\xef\xbf\xbf",
    "{evil=\"1\"} 1\n# EOF\ngameday_score 100 \\",
    ""};

TEST_F(Documents, TreatEveryTextAsData) {
  for (const auto& text : kHostile) {
    for (const auto& drill : {passed_drill(), bad_drill()}) {
      EXPECT_EQ(wrong_in(rewritten(drill, {text, everywhere, {}})), "") << text;
    }
  }
}

TEST_F(Documents, StandAMegabyteInEveryMember) {
  for (const std::string unit : {"<b>|`[x](y)", "\xe2\x80\xae"}) {
    std::string large;
    while (large.size() < (1u << 20)) large += unit;
    EXPECT_EQ(wrong_in(rewritten(bad_drill(), {large, once_a_member, {}})), "");
    EXPECT_LT(std::filesystem::file_size(folder_ + "/report.html"), 2u << 20);
    EXPECT_LT(std::filesystem::file_size(folder_ + "/report.md"), 1u << 20);
  }
}

TEST_F(Documents, AreCheckedByAReaderThatSaysNo) {
  ASSERT_EQ(wrong_in(passed_drill()), "");
  const std::pair<const char*, const char*> spoilt[] = {{"report.html", "<script>"},
                                                        {"report.html", "</main>"},
                                                        {"report.html", "\xe2\x80\xae"},
                                                        {"junit.xml", "<x/>"},
                                                        {"report.md", "\n| a | b |\n| c |\n"},
                                                        {"report.md", "\n<b>\n"},
                                                        {"report.md", "\n[a](b)\n"},
                                                        {"metrics.prom", "gameday_x 1\n# EOF\n"},
                                                        {"result.json", "}"}};
  for (const auto& [file, more] : spoilt) {
    const std::string path = folder_ + "/" + file;
    const auto before = Files().read(path);
    ASSERT_TRUE(before);
    ASSERT_TRUE(Files().write(path, *before + more));
    EXPECT_NE(checked(), "") << file << more;
    ASSERT_TRUE(Files().write(path, *before));
  }
  auto junit = *Files().read(folder_ + "/junit.xml");
  junit.replace(junit.find("skipped=\"") + 9, 1, "9");
  ASSERT_TRUE(Files().write(folder_ + "/junit.xml", junit));
  EXPECT_NE(checked(), "") << "counts that are wrong";
}

TEST_F(Documents, AreTheSameBytesEachTime) {
  for (const auto& format : document_formats()) {
    std::string made[2];
    for (auto& bytes : made) {
      const auto story = story_of(bad_drill());
      bytes = format.made(*story, document_of(*story));
    }
    EXPECT_EQ(made[0], made[1]) << format.name;
  }
}

std::string document(const std::string& format, const std::vector<std::string>& lines) {
  const auto story = story_of(lines);
  for (const auto& one : document_formats()) {
    if (one.name == format) return one.made(*story, document_of(*story));
  }
  return "";
}

TEST(Junit, MapsWhatWasFound) {
  const std::string good = document("junit", passed_drill());
  EXPECT_NE(good.find("name=\"the drill passed\" time=\"0.000\"/>"), std::string::npos) << good;
  EXPECT_NE(good.find("<skipped message=\"no probe is evidence for it\"/>"), std::string::npos);
  const std::string bad = document("junit", bad_drill());
  EXPECT_NE(bad.find("name=\"the drill residue\" time=\"0.000\"><error"), std::string::npos);
  EXPECT_NE(bad.find("name=\"rto\" time=\"0.000\"><failure"), std::string::npos);
  EXPECT_NE(bad.find("name=\"success_rate\" time=\"0.000\"><error"), std::string::npos);
  EXPECT_NE(bad.find("<error message=\"not undone: the database is locked\"/>"), std::string::npos);
  EXPECT_NE(bad.find("timestamp=\"2026-11-22T19:04:10\""), std::string::npos);
}

TEST(OpenMetrics, HasBaseUnitsAndLeavesOutWhatWasNotMeasured) {
  const std::string good = document("openmetrics", passed_drill());
  EXPECT_NE(good.find("gameday_rto_seconds{playbook=\"shop-survives-losing-its-store\"} 12.417\n"),
            std::string::npos)
      << good;
  EXPECT_NE(good.find("gameday_last_pass_timestamp_seconds{"), std::string::npos);
  EXPECT_NE(good.find("id=\"REL-1\",result=\"pass\"} 1\n"), std::string::npos);
  const std::string bad = document("openmetrics", interrupted_drill(Guardian::absent));
  EXPECT_EQ(bad.find("gameday_rto_seconds"), std::string::npos) << bad;
  EXPECT_EQ(bad.find("gameday_last_pass"), std::string::npos);
}

TEST(Markdown, TellsAllThatHtmlTells) {
  const std::string text = document("markdown", bad_drill());
  for (const char* word : {"# gameday: shop-survives-losing-its-store",
                           "**residue** (exit code 5)",
                           "## Left behind: do this by hand",
                           "`gameday revert 01JD2Z8Q6V4N7Y3M5K9T1W0XRA`",
                           "## Objectives",
                           "**missed**",
                           "**not judged**",
                           "## Outages",
                           "## The ledger of writes",
                           "| checkout | 13,985 | 3 | 412 |",
                           "## Score",
                           "Gate G5 is shut",
                           "### reliability",
                           "## Faults",
                           "### lost: lose-data",
                           "left behind",
                           "## The load",
                           "8c19778",
                           "## People",
                           "Tell the on-call engineer",
                           "8.50 s",
                           "mara (uid 1000)",
                           "timed out",
                           "noah (uid 1001): the pager",
                           "which does not count: the operator approves nothing alone"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  }
  EXPECT_LT(text.find("exit code 5"), text.find("## Objectives"));
  EXPECT_EQ(document("markdown", passed_drill()).find("## People"), std::string::npos)
      << "nobody was asked, and nobody said anything";
}

TEST(Markdown, TellsEachRequestAndWhatAnswersFailed) {
  const std::string text = document("markdown", passed_drill());
  EXPECT_NE(text.find("| checkout | lost | browse | 2,700 | 1,001 | 1,699 |"), std::string::npos)
      << text;
  EXPECT_NE(text.find("`order: body_contains 'paid'` | 312 |"), std::string::npos) << text;
}

TEST(Markdown, MarksWhatAClosedLoopMeasured) {
  const std::string text = document("markdown", closed_drill());
  EXPECT_TRUE(text.contains("Load checkout is a closed loop: 49 of 50 users asked, and asked less"))
      << text;
  EXPECT_TRUE(text.contains("An outage of up to 250 ms may have gone unseen")) << text;
  EXPECT_TRUE(text.contains("| load checkout is a closed loop: it asks less")) << text;
  EXPECT_FALSE(document("markdown", passed_drill()).contains("closed loop"));
}

TEST(Markdown, ShowsATextAsItIs) {
  EXPECT_EQ(in_markdown("store-lost"), "store-lost");
  EXPECT_EQ(in_markdown("<b>"), "\\<b\\>");
  EXPECT_EQ(in_markdown("- x"), "\\- x");
  EXPECT_EQ(in_markdown("12. x"), "12\\. x");
  EXPECT_EQ(in_markdown("http://x"), "http\\://x");
  EXPECT_EQ(in_markdown("a@b"), "`a@b`");
  EXPECT_EQ(in_markdown("`@|"), "`` `@\\| ``");
}

}  // namespace
}  // namespace gameday
