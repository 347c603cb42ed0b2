#include "reports/rubric.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/base/digest.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

// The built-in rubric with `what` in place of `was`.
ReadRubric changed(std::string_view was, std::string_view what) {
  std::string text(default_rubric_text());
  const auto at = text.find(was);
  EXPECT_NE(at, std::string::npos) << was;
  return read_rubric("my.yaml", text.replace(at, was.size(), what));
}

TEST(Rubric, IsTheFileInTheTree) {
  const auto file = Files().read(GAMEDAY_SOURCE_DIR "/reports/rubric.yaml");
  ASSERT_TRUE(file);
  EXPECT_EQ(default_rubric_text(), *file);
  EXPECT_EQ(default_rubric().sha256, sha256(*file));
}

TEST(Rubric, WeighsPillarsAndTiersAsTheCatalogueSays) {
  const Rubric& rubric = default_rubric();
  const std::array wanted{0.20, 0.15, 0.40, 0.15, 0.10};
  for (std::size_t i = 0; i < kPillars; ++i) EXPECT_DOUBLE_EQ(rubric.weights[i], wanted[i]);
  std::array<int, kPillars> counts{};
  std::set<std::string> ids;
  for (const auto& criterion : rubric.criteria) {
    ++counts[criterion.pillar];
    ids.insert(criterion.id);
    EXPECT_EQ(criterion.weight, criterion.tier == "required" ? 3
                                : criterion.tier == "good"   ? 2
                                                             : 1);
  }
  EXPECT_EQ(ids.size(), rubric.criteria.size());
  EXPECT_EQ(counts, (std::array<int, kPillars>{9, 8, 14, 6, 5}));
  EXPECT_EQ(rubric.valid_for, std::chrono::days(92));
}

TEST(Rubric, AsksForEvidenceThatFitsTheCriterion) {
  for (const auto& criterion : default_rubric().criteria) {
    if (criterion.id == "REL-1" || criterion.id == "REL-2" || criterion.id == "REL-4") {
      EXPECT_GE(criterion.level, 3) << criterion.id;
    }
    if (criterion.id == "SEC-1" || criterion.id == "SEC-4") {
      EXPECT_EQ(criterion.level, 4) << criterion.id;
      EXPECT_EQ(criterion.partial[1], 0.5) << criterion.id;
    }
  }
}

struct Mistake {
  std::string_view was, what, place, said;
};

TEST(Rubric, SaysWhereAMistakeIs) {
  const Mistake mistakes[] = {
      {"    tier: required", "    tier: requierd", "my.yaml:34:11: error",
       "did you mean `required`?"},
      {"  OPS-1:", "  OPX-1:", "my.yaml:32:3: error", "is no criterion's id"},
      {"  reliability: 40%", "  reliability: 45%", "my.yaml:25:3: error", "together 105%"},
      {"  reliability: 40%\n", "", "my.yaml:25:3: error", "missing `reliability`"},
      {"    when: detects\n", "", "my.yaml:33:5: error", "needs `when`"},
      {"objective: rto", "objective: rtu", "error", "did you mean `rto`?"},
      {"needs: [queue]", "needs: [qeue]", "error", "did you mean `queue`?"},
      {"valid_for: 92d", "valid_for: 92", "error", "valid_for"},
      {"when: fault-not-proven", "when: fault-unproven", "error", "fault-not-proven"},
      {"{ grade: B,", "{ grade: A,", "error", "the best one stands first"},
      {"judged_by: committed", "judged_by: committed\n    allowance: 5%", "error",
       "takes no `allowance`"},
      {"rubric: 1", "rubric: 2", "error", "rubric"},
      {"title: No alert", "titel: No alert", "error", "did you mean `title`?"}};
  for (const auto& [was, what, place, said] : mistakes) {
    const auto read = changed(was, what);
    EXPECT_FALSE(read.rubric) << what;
    EXPECT_NE(read.problems.find(place), std::string::npos) << what << "\n" << read.problems;
    EXPECT_NE(read.problems.find(said), std::string::npos) << what << "\n" << read.problems;
  }
}

TEST(Rubric, CanBeReplaced) {
  const auto read = changed("  reliability: 40%\n", "  reliability: 40.0%\n");
  ASSERT_TRUE(read.rubric) << read.problems;
  EXPECT_EQ(read.problems, "");
  EXPECT_NE(read.rubric->sha256, default_rubric().sha256);
}

TEST(Rubric, RefusesWhatIsNoRubric) {
  for (const char* text : {"", "[]", "rubric: 1", "a: *a", "{", "\xff"}) {
    EXPECT_FALSE(read_rubric("my.yaml", text).rubric) << text;
  }
}

}  // namespace
}  // namespace gameday
