// What a playbook says about the score: which probes are evidence, and what does not apply.
#include "engine/playbook/evidence.h"

#include <gtest/gtest.h>

#include "engine/playbook/load_playbook.h"
#include "tests/engine/playbook/design_playbook.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

LoadedPlaybook with(std::string_view was, std::string_view what) {
  std::string text(kDesignPlaybook);
  const auto at = text.find(was);
  EXPECT_NE(at, std::string::npos) << was;
  return decode_playbook("p.yaml", text.replace(at, was.size(), what), {}, test_rows::kRows);
}

std::string problems_of(const LoadedPlaybook& loaded) {
  return rendered(loaded.path, loaded.source, loaded.problems);
}

TEST(Evidence, IsNamedByTheProbe) {
  const auto loaded = with("every: 500ms,", "every: 500ms, evidence_for: [SEC-6, REL-8],");
  ASSERT_TRUE(loaded.playbook) << problems_of(loaded);
  const ProbeSpec& probe = loaded.playbook->probes.front();
  EXPECT_EQ(probe.evidence_for, (std::vector<std::string>{"SEC-6", "REL-8"}));
  EXPECT_EQ(probe.evidence_level, "E3");
}

TEST(Evidence, OfWhatIsNoCriterionIsAMistake) {
  for (const char* wrong : {"SEC6", "SEC-", "SEC-06", "XYZ-1", "SEC-1234", "-1", "sec-6"}) {
    const auto loaded =
        with("every: 500ms,", "every: 500ms, evidence_for: [" + std::string(wrong) + "],");
    EXPECT_FALSE(loaded.playbook) << wrong;
    EXPECT_NE(problems_of(loaded).find("is no criterion's id"), std::string::npos)
        << problems_of(loaded);
  }
  EXPECT_FALSE(with("every: 500ms,", "every: 500ms, evidence_level: E5,").playbook);
}

TEST(Evidence, IsAllThatAProbeIsForWhereNothingElseGoesByIt) {
  const auto loaded = with("every: 500ms,", "every: 500ms, evidence_for: [OPS-1],");
  ASSERT_TRUE(loaded.playbook) << problems_of(loaded);
  Playbook alone = *loaded.playbook;
  alone.system.ready.clear();
  alone.limits.stop_when.clear();
  for (auto& step : alone.timeline) {
    if (step.kind == StepKind::steady_state) step.names.clear();
  }
  const ProbeSpec probe = alone.probes.front();
  EXPECT_TRUE(is_evidence_alone(probe, alone));

  ProbeSpec none = probe;
  none.evidence_for.clear();
  EXPECT_FALSE(is_evidence_alone(none, alone));
  Playbook waits = alone, stops = alone, judges = alone, is_ready = alone;
  waits.timeline.front().names = {probe.name};
  stops.limits.stop_when = {{probe.name, std::chrono::seconds(30)}};
  judges.objectives.rto = RtoObjective{std::chrono::seconds(60), {}, probe.name};
  is_ready.system.ready = probe.name;
  for (const auto* other : {&waits, &stops, &judges, &is_ready}) {
    EXPECT_FALSE(is_evidence_alone(probe, *other));
  }
}

TEST(NotApplicable, NeedsAReasonAndAName) {
  constexpr std::string_view kWhole =
      "not_applicable: [{ criterion: REL-9, reason: no inbound API, approved_by: mara }]\nsystem:";
  const auto loaded = with("system:", kWhole);
  ASSERT_TRUE(loaded.playbook) << problems_of(loaded);
  ASSERT_EQ(loaded.playbook->not_applicable.size(), 1u);
  EXPECT_EQ(loaded.playbook->not_applicable.front().approved_by, "mara");
  EXPECT_FALSE(
      with("system:", "not_applicable: [{ criterion: REL-9, reason: x }]\nsystem:").playbook);
  EXPECT_FALSE(
      with("system:", "not_applicable: [{ criterion: REL, reason: x, approved_by: y }]\nsystem:")
          .playbook);
}

}  // namespace
}  // namespace gameday
