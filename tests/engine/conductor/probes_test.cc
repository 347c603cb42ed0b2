// When probes are asked, and what comes of one that was not.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kKilled = R"yaml(
timeline:
  - steady_state: { for: 1s, within: 4s, probes: [answers] }
  - { fault: kill, target: west, for: 2s }
  - wait: 1s
  - { fault: slow, target: north, for: 1s }
)yaml";

Course with_times() { return Course(kKilled, sim_head_with_times("successes: 1")); }

Sampled said(const Course& course, const std::string& probe, bool ok) {
  return {probe, course.now.boot - milliseconds(1), course.now.boot, ok, ""};
}

TEST(ProbeTimes, OneThatIsAlwaysAskedIsAskedOnce) {
  Course course = with_times();
  EXPECT_FALSE(course.asked("answers"));
  course.well(course.until(Op::prepare, "load"));
  EXPECT_TRUE(course.asked("answers"));
  (void)course.finish();
  EXPECT_EQ(std::ranges::count(course.asks, "answers", &Ask::probe), 1);
}

TEST(ProbeTimes, OneOfFaultsIsAskedFromTheProofToTheUndo) {
  Course course = with_times();
  const Task proof = course.until(Op::prove, "kill");
  EXPECT_FALSE(course.asked("in-faults"));
  course.well(proof);
  EXPECT_TRUE(course.asked("in-faults"));
  const Task undo = course.until(Op::undo, "kill");
  EXPECT_FALSE(course.asked("in-faults"));
  course.well(undo);
  course.well(course.until(Op::prove, "slow"));
  EXPECT_TRUE(course.asked("in-faults"));
  (void)course.finish();
  EXPECT_FALSE(course.asked("in-faults"));
}

TEST(ProbeTimes, OneOfFaultsIsNotAskedForAFaultThatDoesNotBite) {
  Course course = with_times();
  course.answer(course.until(Op::prove, "kill"), Proof{false, "it answers", Json::object()});
  (void)course.finish();
  EXPECT_EQ(std::ranges::count(course.asks, "in-faults", &Ask::probe), 0);
}

TEST(ProbeTimes, OneOfTheEdgesIsAskedWhileASteadyStateIsWaitedFor) {
  Course course = with_times();
  course.well(course.until(Op::inject, "load"));
  EXPECT_TRUE(course.asked("at-edges"));
  const Task deed = course.until(Op::inject, "kill");
  EXPECT_FALSE(course.asked("at-edges"));
  course.well(deed);
  while (course.drill.phase < Phase::settling)
    course.well(course.until(course.tasks.empty() ? Op::look : course.tasks.front().op));
  EXPECT_TRUE(course.asked("at-edges"));
  (void)course.finish();
  EXPECT_FALSE(course.asked("at-edges"));
}

TEST(ProbeTimes, AStopEndsThem) {
  Course course = with_times();
  course.well(course.until(Op::prove, "kill"));
  EXPECT_TRUE(course.asked("in-faults"));
  course.stop();
  EXPECT_FALSE(course.asked("in-faults"));
}

TEST(ProbeTimes, WhatWasSaidInAnotherTimeSaysNothingOfThisOne) {
  Course course = with_times();
  course.well(course.until(Op::prove, "kill"));
  course.pass(milliseconds(300));
  course.give(said(course, "in-faults", false));
  EXPECT_TRUE(course.drill.probes.at("in-faults").since_bad);
  const Task undo = course.until(Op::undo, "kill");
  // It was on its way when the undo was asked for.
  course.give(said(course, "in-faults", true));
  EXPECT_TRUE(course.drill.probes.at("in-faults").since_bad);
  course.well(undo);
  course.well(course.until(Op::prove, "slow"));
  EXPECT_FALSE(course.drill.probes.at("in-faults").since_bad);
  EXPECT_FALSE(course.drill.probes.at("in-faults").last_end);
}

TEST(ProbeTimes, OneThatGaveNoAnswerInItsTimeLeavesTheDrillInconclusive) {
  const auto judged = [](bool edges, bool faults) {
    Course course = with_times();
    course.well(course.until(Op::prove, "kill"));
    course.pass(milliseconds(300));
    if (edges) course.give(said(course, "at-edges", true));
    if (faults) course.give(said(course, "in-faults", true));
    return course.finish();
  };
  EXPECT_EQ(judged(true, true).exit_code, 0);
  const Judgement silent = judged(true, false);
  EXPECT_EQ(silent.exit_code, 6);
  EXPECT_EQ(silent.reasons.front().text,
            "probe in-faults gave no answer in the time in which it was to be asked");
  EXPECT_EQ(judged(false, true).exit_code, 6);
}

TEST(ProbeTimes, ThePlanTellsThemAndWhatIsEvidenceAlone) {
  const std::string head = sim_head_with_times("evidence_for: [REL-8]") +
                           "  alert: { http: \"{front}/alerts\", evidence_for: [OPS-1] }\n";
  const auto plan = make_plan(sim_playbook(kKilled, head), sim_rows::kRows, "01DRILL", 7, {});
  ASSERT_TRUE(plan);
  const Json told = to_json(*plan, sim_rows::kRows);
  const auto& probes = told.items("probes");
  ASSERT_EQ(probes.size(), 4u);
  EXPECT_FALSE(probes[0].boolean("evidence_alone", true)) << "the steady state waits for it";
  EXPECT_EQ(probes[0].find("during"), nullptr);
  EXPECT_EQ(probes[1].text("during"), "edge");
  EXPECT_EQ(probes[2].text("during"), "fault");
  EXPECT_TRUE(probes[3].boolean("evidence_alone", false));
}

TEST(ProbeTimes, AStopConditionCountsSilenceFromWhenItWasFirstAsked) {
  std::string head = sim_head_with_times("successes: 1");
  const std::string whole = "stop_when: [{ probe: answers, fails_for: 3s }]";
  head.replace(head.find(whole), whole.size(), "stop_when: [{ probe: in-faults, fails_for: 3s }]");
  constexpr std::string_view kLate = R"yaml(
timeline:
  - wait: 20s
  - { fault: kill, target: west, for: 10s }
)yaml";
  std::string at_edges = head;
  at_edges.replace(at_edges.find("during: edge"), 12, "during: fault");
  Course course(kLate, at_edges);
  course.well(course.until(Op::prove, "kill"));
  ASSERT_FALSE(course.drill.stop);
  const Instant proven = course.now.boot;
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_GE(course.drill.stop->at.boot - proven, milliseconds(3000));
}

}  // namespace
}  // namespace gameday
