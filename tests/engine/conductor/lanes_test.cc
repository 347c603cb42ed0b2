// Steps that run side by side, and actions: what one lane's end means for the others.
#include "engine/conductor/open_undos.h"
#include "engine/journal/memory_journal.h"
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

constexpr std::string_view kBeside = R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 4s, probes: [answers] }
  - parallel:
      - { fault: kill, target: west, id: killed, for: 1s }
      - { fault: slow, target: north, id: slowed, for: 3s }
  - { action: promote, id: promoted }
)yaml";

TEST(Lanes, BeginTogether) {
  Course course(kBeside);
  const Task kill = course.until(Op::prepare, "kill");
  ASSERT_EQ(course.tasks.size(), 1U);
  EXPECT_EQ(course.tasks.front().what.kind, "slow");
  EXPECT_NE(course.tasks.front().lane, kill.lane);
}

TEST(Lanes, EndWhenAllHaveEnded) {
  Course course(kBeside);
  course.well(course.until(Op::look, "kill"));
  EXPECT_TRUE(course.deed("slowed").open());
  EXPECT_FALSE(course.drill.steps[1].ended.has_value());
  course.well(course.until(Op::look, "slow"));
  EXPECT_TRUE(course.drill.steps[1].ok);
  EXPECT_EQ(course.drill.lanes.size(), 1U);
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0) << judged.document.pretty();
  ASSERT_EQ(judged.document.items("steps").size(), 5U);
  EXPECT_EQ(judged.document.items("steps")[2].text("id"), "killed");
}

TEST(Lanes, AreBrokenOffWhenOneFails) {
  Course course(kBeside);
  const Task kill = course.until(Op::inject, "kill");
  const Task slow = course.until(Op::inject, "slow");
  course.refuse(kill);
  EXPECT_EQ(course.cancelled, (std::vector<TaskId>{slow.id}));
  EXPECT_TRUE(course.undos.empty()) << "something is still under way";
  course.refuse(slow, ErrorCode::stopped, "stopped");
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  for (const auto& deed : course.drill.deeds) EXPECT_FALSE(deed.open()) << deed.mark;
  ASSERT_FALSE(judged.reasons.empty());
  EXPECT_NE(judged.reasons.front().text.find("kill (step killed)"), std::string::npos);
  EXPECT_EQ(judged.reasons.front().text.find("stopped"), std::string::npos)
      << "a lane that was broken off is no reason";
}

TEST(Lanes, AllEndWithAStop) {
  Course course(kBeside);
  const Task kill = course.until(Op::inject, "kill");
  const Task slow = course.until(Op::inject, "slow");
  course.stop();
  EXPECT_EQ(course.cancelled.size(), 2U);
  course.refuse(kill, ErrorCode::stopped, "stopped");
  EXPECT_TRUE(course.undos.empty());
  course.refuse(slow, ErrorCode::stopped, "stopped");
  EXPECT_FALSE(course.tasks.empty());
  EXPECT_EQ(course.finish().exit_code, 4);
}

TEST(Lanes, AreUndoneInTheOrderInWhichTheyWereRecorded) {
  Course course(kBeside);
  const Task kill = course.until(Op::prepare, "kill");
  const Task slow = course.until(Op::prepare, "slow");
  course.well(slow);
  course.well(kill);
  course.stop();
  for (const Task& task : std::exchange(course.tasks, {})) {
    course.refuse(task, ErrorCode::stopped, "stopped");
  }
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(course.undone_steps(), (std::vector<std::string>{"killed", "slowed", "load"}));
}

TEST(Lanes, CountTheirTargetsTogether) {
  constexpr std::string_view kMany = R"yaml(
timeline:
  - parallel:
      - { fault: kill, target: west, id: a }
      - { fault: slow, target: north, id: b }
      - { fault: drop-queue, target: orders, id: c }
      - { fault: lose-data, target: store, id: d }
)yaml";
  Course course(kMany);
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 4);
  EXPECT_NE(judged.reasons.front().text.find("step d would put 4 targets"), std::string::npos)
      << judged.reasons.front().text;
  for (const auto& deed : course.drill.deeds) EXPECT_FALSE(deed.open()) << deed.mark;
}

TEST(Actions, OweNothing) {
  Course course(kBeside);
  const Task perform = course.until(Op::inject, "action");
  EXPECT_EQ(perform.what.action, "promote");
  EXPECT_FALSE(course.deed("promoted").open());
  course.stop();
  course.refuse(perform, ErrorCode::stopped, "stopped");
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(std::ranges::count(course.undone_steps(), "promoted"), 0);
}

TEST(Actions, AreOnDiskBeforeTheyAreDone) {
  Course course(kBeside);
  const Task prepare = course.until(Op::prepare, "action");
  const auto told = describe(course.drill, Done{prepare.id, {}, Undo{"action", Json::object()}});
  EXPECT_EQ(told.type, "deed");
  EXPECT_TRUE(told.durable);
  EXPECT_EQ(told.data.text("action"), "promote");
  EXPECT_EQ(told.data.find("undo"), nullptr);
}

TEST(Actions, ThatDoNotHoldFailTheDrill) {
  Course course(kBeside);
  course.well(course.until(Op::inject, "action"));
  course.answer(course.until(Op::prove, "action"), Proof{false, "still the old one", {}});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_NE(judged.reasons.front().text.find("does not hold: still the old one"),
            std::string::npos);
}

TEST(Actions, ThatAreUnderWayWhenTheRunnerDiesAreNamed) {
  const auto log = std::make_shared<MemoryLog>();
  log->drill = "D";
  const auto journal = memory_journal(log, "boot");
  const Json deed = Json::object(
      {{"deed", "D-1"}, {"id", "promoted"}, {"kind", "action"}, {"action", "promote"}});
  ASSERT_TRUE(journal->append({}, "deed", deed, Durability::durable));
  const auto owed = owed_by(log->lines);
  if (!owed) GTEST_FAIL() << owed.error().text;
  EXPECT_TRUE(owed->open.empty());
  EXPECT_EQ(owed->under_way, (std::vector<std::string>{"promote (step promoted)"}));
  ASSERT_TRUE(journal->append({}, "injected", deed, Durability::durable));
  EXPECT_TRUE(owed_by(log->lines)->under_way.empty());
}

}  // namespace
}  // namespace gameday
