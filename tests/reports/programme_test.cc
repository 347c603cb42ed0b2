// Several drills as a programme: what is newest counts, what is old counts for nothing.
#include "reports/programme.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

constexpr std::string_view kEnded = "2026-11-22T19:05:11Z";
Utc after(std::chrono::days days) { return *parse_rfc3339(kEnded) + days; }

ProgrammeJournal journal(const std::vector<std::string>& lines, std::string problem = "") {
  return {"demo", [lines](const LineVisitor& each) { return source_of(lines)(each); },
          std::move(problem)};
}

Json programme(std::vector<ProgrammeJournal> journals, int days) {
  return programme_of(journals, default_rubric(), after(std::chrono::days(days)));
}

std::string result_of(const Json& found, std::string_view id) {
  for (const auto& pillar : found.get("score").items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      if (one.text("id") == id) return one.text("result");
    }
  }
  return "none";
}

TEST(Programme, CountsAFreshDrill) {
  const Json found = programme({journal(passed_drill())}, 1);
  EXPECT_EQ(result_of(found, "REL-1"), "pass");
  EXPECT_EQ(result_of(found, "REL-14"), "pass");
  EXPECT_EQ(result_of(found, "OPS-8"), "pass");
  EXPECT_FALSE(found.items("scenarios").front().boolean("expired", true));
}

TEST(Programme, LetsOldEvidenceExpireToNotAssessed) {
  const Json found = programme({journal(passed_drill())}, 93);
  EXPECT_EQ(result_of(found, "REL-1"), "not_assessed");
  EXPECT_EQ(result_of(found, "REL-14"), "fail");
  EXPECT_EQ(found.get("score").number("floor", 1),
            programme({journal(not_started_drill())}, 1).get("score").number("floor", 0) - 0.0);
}

TEST(Programme, GivesNoLetterOnHalfTheEvidence) {
  EXPECT_EQ(programme({journal(passed_drill())}, 1).text("grade"), "I");
}

// A rubric that asks for nothing but what the example shows.
Rubric small_rubric() {
  std::string text(default_rubric_text());
  const auto criteria = text.find("criteria:");
  const auto gates = text.find("# What no number");
  std::string kept = "criteria:\n";
  const auto keep = [&](std::string_view id, std::string_view by) {
    kept += "  " + std::string(id) +
            ": { title: t, tier: required, level: E3, judged_by: " + std::string(by) + " }\n";
  };
  keep("OPS-1", "committed");
  keep("SEC-1", "no-secrets");
  keep("REL-1", "objective, objective: rto");
  keep("PERF-1", "on-schedule");
  keep("COST-1", "no-residue");
  auto read = read_rubric("r.yaml", text.replace(criteria, gates - criteria, kept));
  EXPECT_TRUE(read.rubric) << read.problems;
  return read.rubric ? *read.rubric : default_rubric();
}

TEST(Programme, GivesALetterAndNoBetterOneThanAGateLeaves) {
  const Rubric rubric = small_rubric();
  const auto as_of = after(std::chrono::days(1));
  EXPECT_EQ(programme_of({journal(passed_drill())}, rubric, as_of).text("grade"), "A");
  const Json bad = programme_of({journal(bad_drill())}, rubric, as_of);
  EXPECT_GE(bad.text("grade"), "D") << "residue leaves no better one";
  ASSERT_FALSE(bad.get("score").items("gates").empty());
  const Json forged =
      programme_of({journal(passed_drill()), journal(passed_drill(), "edited")}, rubric, as_of);
  EXPECT_TRUE(forged.get("grade").is_null());
  EXPECT_EQ(forged.items("unverifiable").front().text("problem"), "edited");
}

TEST(Programme, SaysWhatIsOverdue) {
  const auto state = [](int days) {
    const Json found = programme({journal(bad_drill())}, days);
    for (const auto& action : found.items("actions")) {
      if (action.text("criterion") == "COST-2") return action.text("state");
    }
    return std::string("none");
  };
  EXPECT_EQ(state(1), "open");
  EXPECT_EQ(state(31), "overdue");
  EXPECT_EQ(result_of(programme({journal(bad_drill())}, 31), "OPS-8"), "fail");
}

TEST(Programme, DoesNotDependOnTheOrderOfItsDrills) {
  std::vector<ProgrammeJournal> all{journal(passed_drill()), journal({"nonsense"}),
                                    journal(passed_drill(), "edited")};
  const std::string before = programme(all, 1).dump();
  std::ranges::reverse(all);
  EXPECT_EQ(programme(all, 1).dump(), before);
}

TEST(Programme, CountsNoJournalThatDoesNotVerify) {
  auto lines = passed_drill();
  lines[20].replace(lines[20].find("200"), 3, "201");
  const Json found = programme({journal(lines)}, 1);
  EXPECT_EQ(found.items("unverifiable").size(), 1u);
  EXPECT_TRUE(found.items("scenarios").empty());
  EXPECT_EQ(found.get("score").number("coverage", 1), 0);
  const Json cut = programme({journal(interrupted_drill(Guardian::absent))}, 1);
  EXPECT_EQ(cut.items("unverifiable").size(), 1u);
}

TEST(Programme, IsReadable) {
  const std::string text = text_programme(programme({journal(bad_drill())}, 31));
  for (const char* word : {"grade I", "OVERDUE", "payments-sre", "gate G5", "COST-2"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  }
}

}  // namespace
}  // namespace gameday
