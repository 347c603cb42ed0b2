// What a drill asks of people: acknowledged, approved, refused, or left unanswered.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

constexpr std::string_view kAsks = R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 4s, probes: [answers] }
  - approve: { role: owner, not: operator, within: 10s }
  - { fault: kill, target: west, id: killed }
  - human: { do: look, by: sre, within: 5s }
  - approve: { role: owner, within: 10s }
  - revert: killed
)yaml";

Answered answer(Answered::What what, const Person& who = {"kim", 1001, "socket"},
                const std::string& step = "") {
  return {what, step, "", "", who};
}

class PeopleTest : public testing::Test {
 protected:
  explicit PeopleTest(std::string_view timeline = kAsks) : course(timeline) {
    course.drill.plan.operator_name = "op";
    course.drill.plan.operator_uid = 1000;
  }
  // Until a step of that kind waits for somebody.
  void until_asked(StepKind kind) {
    for (int turns = 0; turns < 500; ++turns) {
      for (const auto& lane : course.drill.lanes) {
        if (lane.asked && course.drill.humans[*lane.asked].kind == kind) return;
      }
      if (course.tasks.empty()) {
        course.pass(std::chrono::milliseconds(100));
        continue;
      }
      const Task task = course.tasks.front();
      course.tasks.pop_front();
      course.well(task);
    }
    FAIL() << "nobody is asked";
  }
  void approve() { course.give(answer(Answered::What::approved)); }

  Course course;
};

TEST_F(PeopleTest, GoOnOnceEachHasAnswered) {
  until_asked(StepKind::approve);
  approve();
  until_asked(StepKind::human);
  course.give(answer(Answered::What::acknowledged));
  until_asked(StepKind::approve);
  course.give(answer(Answered::What::approved, {"op", 1000, "terminal"}));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0) << judged.document.pretty();
  const auto& humans = judged.document.items("humans");
  ASSERT_EQ(humans.size(), 3U);
  EXPECT_EQ(humans[0].text("outcome"), "approved");
  EXPECT_EQ(humans[0].get("who").text("name"), "kim");
  EXPECT_EQ(humans[1].text("do"), "look");
  EXPECT_EQ(humans[1].text("outcome"), "acknowledged");
  EXPECT_TRUE(humans[1].get("took_s").is_number());
  EXPECT_EQ(humans[2].get("who").text("via"), "terminal");
}

TEST_F(PeopleTest, AnOperatorDoesNotApproveWhatIsNotTheirs) {
  until_asked(StepKind::approve);
  for (const Person& who : {Person{"op", 0, "socket"}, Person{"root", 1000, "socket"}}) {
    const auto lane = lane_answered(course.drill, answer(Answered::What::approved, who));
    ASSERT_FALSE(lane.has_value());
    EXPECT_EQ(lane.error().code, ErrorCode::refused);
    const auto told = describe(course.drill, answer(Answered::What::approved, who));
    EXPECT_FALSE(told.data.boolean("counts", true));
    course.give(answer(Answered::What::approved, who));
  }
  EXPECT_EQ(course.finish().exit_code, 3) << "nobody else has approved";
  EXPECT_FALSE(course.drill.any_injected);
}

TEST_F(PeopleTest, AnotherRoleIsNotTheOneAskedFor) {
  until_asked(StepKind::approve);
  Answered other = answer(Answered::What::approved);
  other.role = "intern";
  EXPECT_FALSE(lane_answered(course.drill, other).has_value());
  other.role = "owner";
  EXPECT_TRUE(lane_answered(course.drill, other).has_value());
}

TEST_F(PeopleTest, AnAnswerThatNobodyWaitsForChangesNothing) {
  until_asked(StepKind::approve);
  course.give(answer(Answered::What::acknowledged));
  course.give(answer(Answered::What::approved, {"kim", 1001, "socket"}, "no-such-step"));
  EXPECT_TRUE(course.drill.lanes.front().asked.has_value());
  EXPECT_EQ(lane_answered(course.drill, answer(Answered::What::acknowledged)).error().code,
            ErrorCode::not_found);
}

TEST_F(PeopleTest, ARefusalBeforeTheFirstFaultIsNoStart) {
  until_asked(StepKind::approve);
  Answered refused = answer(Answered::What::refused);
  refused.reason = "not today";
  course.give(refused);
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 3);
  EXPECT_EQ(judged.reasons.front().text, "kim refuses step approve-2: not today");
  EXPECT_FALSE(course.drill.any_injected);
}

TEST_F(PeopleTest, ARefusalAfterwardsIsAStopByThatPerson) {
  until_asked(StepKind::approve);
  approve();
  until_asked(StepKind::human);
  course.give(answer(Answered::What::acknowledged));
  until_asked(StepKind::approve);
  course.give(answer(Answered::What::refused));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 4);
  EXPECT_EQ(judged.document.get("stop").get("who").text("name"), "kim");
  EXPECT_EQ(course.deed("killed").stage, Stage::undone);
}

TEST_F(PeopleTest, NobodyWhoAcknowledgesFailsTheDrill) {
  until_asked(StepKind::approve);
  approve();
  until_asked(StepKind::human);
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_EQ(judged.document.items("humans").back().text("outcome"), "timed_out");
  EXPECT_EQ(course.deed("killed").stage, Stage::undone);
}

TEST_F(PeopleTest, AStopEndsTheWaitAtOnce) {
  until_asked(StepKind::approve);
  approve();
  until_asked(StepKind::human);
  course.stop();
  ASSERT_EQ(course.tasks.size(), 1U);
  EXPECT_EQ(course.tasks.front().op, Op::undo);
  course.give(answer(Answered::What::acknowledged));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 4);
  EXPECT_EQ(judged.document.items("humans").back().text("outcome"), "none");
}

class OnTimeoutTest : public testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(OnTimeoutTest, IsObeyed) {
  const std::string timeline = std::string(R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 4s, probes: [answers] }
  - { fault: kill, target: west }
  - human: { do: look, within: 2s, on_timeout: )yaml") +
                               GetParam().first + " }\n";
  Course course(timeline);
  EXPECT_EQ(course.finish().exit_code, GetParam().second);
  EXPECT_EQ(course.drill.deeds.back().stage, Stage::undone);
}
INSTANTIATE_TEST_SUITE_P(People, OnTimeoutTest,
                         testing::Values(std::pair{"fail", 1}, std::pair{"continue", 0},
                                         std::pair{"stop", 4}));

}  // namespace
}  // namespace gameday
