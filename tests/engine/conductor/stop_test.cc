// Stops: by a person, a condition, a limit, the guardian, the journal; at every point of a drill.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

class StopAt : public testing::TestWithParam<std::pair<Op, const char*>> {};

std::string name_of_point(const testing::TestParamInfo<std::pair<Op, const char*>>& info) {
  std::string name = std::string(name_of(info.param.first)) + "_" + info.param.second;
  std::ranges::replace(name, '-', '_');
  return name;
}

TEST_P(StopAt, UndoesEverythingAndEndsWith4) {
  Course course;
  const Task task = course.until(GetParam().first, GetParam().second);
  course.stop();
  if (std::ranges::find(course.cancelled, task.id) != course.cancelled.end()) {
    course.refuse(task, ErrorCode::stopped, "stopped");
  } else {
    course.well(task);
  }
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 4);
  for (const auto& deed : course.drill.deeds) EXPECT_FALSE(deed.open()) << deed.mark;
  EXPECT_TRUE(course.drill.stop->undone || course.drill.phase == Phase::closed);
}

INSTANTIATE_TEST_SUITE_P(
    Conductor, StopAt,
    testing::Values(std::pair{Op::system_start, ""}, std::pair{Op::prepare, "load"},
                    std::pair{Op::inject, "load"}, std::pair{Op::prepare, "block"},
                    std::pair{Op::inject, "block"}, std::pair{Op::prove, "block"},
                    std::pair{Op::undo, "block"}, std::pair{Op::look, "block"},
                    std::pair{Op::inject, "drop-queue"}, std::pair{Op::backup, ""},
                    std::pair{Op::inject, "lose-data"}, std::pair{Op::prepare, "restore"},
                    std::pair{Op::inject, "restore"}, std::pair{Op::replay, ""},
                    std::pair{Op::drain, ""}, std::pair{Op::end_loads, ""},
                    std::pair{Op::read_back, ""}, std::pair{Op::undo, "load"}),
    name_of_point);

TEST(Stop, CancelsADeedButNeverAnUndo) {
  Course course;
  const Task inject = course.until(Op::inject, "block");
  course.stop();
  EXPECT_EQ(course.cancelled, (std::vector<TaskId>{inject.id}));
  course.refuse(inject, ErrorCode::stopped, "stopped");
  const Task undo = course.until(Op::undo);
  course.stop();
  EXPECT_EQ(course.cancelled.size(), 1U);
  course.well(undo);
  EXPECT_EQ(course.finish().exit_code, 4);
}

TEST(Stop, LetsARestoreIntoPlaceFinish) {
  Course course;
  const Task restore = course.until(Op::inject, "restore");
  course.stop();
  EXPECT_TRUE(course.cancelled.empty());
  course.well(restore);
  EXPECT_EQ(course.until(Op::replay).op, Op::replay);
  course.give(Done{course.drill.last_task, {}, std::int64_t{1}});
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(course.deed("lost").stage, Stage::superseded);
}

TEST(Stop, EndsAHoldAtOnce) {
  Course course;
  course.well(course.until(Op::prove, "block"));
  course.stop();
  ASSERT_EQ(course.tasks.size(), 1U);
  EXPECT_EQ(course.tasks.front().op, Op::undo);
}

TEST(Stop, WaitsOutTheSettleTimeOfADeedWhoseEndIsUnknown) {
  Course course;
  const Task inject = course.until(Op::inject, "block");
  course.stop();
  course.refuse(inject, ErrorCode::stopped, "stopped");
  const Instant answered = course.now.boot;
  (void)course.until(Op::look, "block");
  course.give(Done{course.drill.last_task, {}, Proof{true, "nothing there", {}}});
  EXPECT_TRUE(course.deed("fault-2").open());
  const Task late = course.until(Op::look, "block");
  EXPECT_GE(course.now.boot - answered, Deadlines::settle);
  course.answer(late, Proof{false, "it has arrived", {}});
  EXPECT_EQ(course.until(Op::undo).what.kind, "block");
  course.give(Done{course.drill.last_task, {}, {}});
  EXPECT_EQ(course.finish().exit_code, 4);
}

TEST(Stop, ComesFromAProbeThatFailsForItsTime) {
  Course course;
  course.well(course.until(Op::prove, "kill"));
  (void)course.until(Op::prove, "drop-queue");
  course.tasks.clear();
  course.give(Done{course.drill.last_task, {}, Proof{true, "dropped", {}}});
  course.probes_ok = false;
  const auto judged = course.finish();
  EXPECT_NE(judged.exit_code, 0);
}

// With a fault that is open for a minute.
constexpr std::string_view kMinute = "\ntimeline:\n  - { fault: kill, target: west, for: 60s }\n";

TEST(Stop, CountsAFailureOnlyAfterAsManyInARowAsThePlaybookSays) {
  const std::string head = sim_head_with("failures: 4");
  Course course(kMinute, head);
  course.well(course.until(Op::prove, "kill"));
  // Never four of them in a row, however long it goes on like that.
  for (int i = 0; i < 40; ++i) {
    course.pass(std::chrono::milliseconds(600));
    course.probes_ok = i % 4 == 3;
  }
  EXPECT_FALSE(course.drill.stop.has_value());
  course.probes_ok = false;
  EXPECT_EQ(course.finish().exit_code, 4);
  ASSERT_TRUE(course.drill.stop.has_value());
  EXPECT_EQ(course.drill.stop->asked.by, StopBy::condition);
}

TEST(Stop, CountsASuccessOnlyAfterAsManyInARowAsThePlaybookSays) {
  const auto stopped = [](const std::string& more) {
    const std::string head = sim_head_with(more);
    Course course(kMinute, head);
    course.well(course.until(Op::prove, "kill"));
    // One success among three failures is no recovery where two are asked for.
    for (int i = 0; i < 40 && !course.drill.stop; ++i) {
      course.probes_ok = i % 4 == 3;
      course.pass(std::chrono::milliseconds(600));
    }
    return course.drill.stop.has_value();
  };
  EXPECT_FALSE(stopped("successes: 1"));
  EXPECT_TRUE(stopped("successes: 2"));
}

TEST(Stop, ComesFromAProbeThatSaysNothing) {
  constexpr std::string_view kLong = R"yaml(
timeline:
  - { fault: kill, target: west, for: 30s }
)yaml";
  Course course(kLong);
  course.well(course.until(Op::prove, "kill"));
  course.silent = true;
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(course.drill.stop->asked.by, StopBy::condition);
}

TEST(Stop, ComesFromTheLimitOfTheWholeDrill) {
  constexpr std::string_view kLong = R"yaml(
timeline:
  - { fault: kill, target: west, for: 8m }
)yaml";
  Course course(kLong);
  course.well(course.until(Op::prove, "kill"));
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(course.drill.stop->asked.by, StopBy::limit);
}

TEST(Stop, ASecondRequestShortensTheSettling) {
  Course course;
  course.well(course.until(Op::prove, "block"));
  course.stop();
  course.stop();
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_FALSE(course.recorded("phase", "phase", "settling"));
}

TEST(Stop, ByAJournalThatCannotBeWrittenInjectsNothing) {
  Course course;
  const Task prepare = course.until(Op::prepare, "block");
  course.give(JournalFailed{{ErrorCode::no_space, "full", ""}, prepare.id});
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_FALSE(course.drill.any_injected);
}

TEST(Stop, ByAJournalThatFailsAfterADeedLooksForItLate) {
  Course course;
  const Task inject = course.until(Op::inject, "block");
  course.give(JournalFailed{{ErrorCode::no_space, "full", ""}, inject.id});
  EXPECT_TRUE(course.deed("fault-2").uncertain);
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(course.undone_steps().front(), "fault-2");
}

TEST(Stop, ThatWaitsForAnAnswerWhichTheJournalCannotTakeGoesOn) {
  Course course;
  const Task prepare = course.until(Op::prepare, "kill");
  course.stop();
  course.give(JournalFailed{{ErrorCode::no_space, "full", ""}, prepare.id});
  EXPECT_EQ(course.finish().exit_code, 4);
}

TEST(Stop, BetweenALeasesLastProofAndItsUndoStillUndoes) {
  Course course;
  course.well(course.until(Op::prove, "block"));
  const Task again = course.until(Op::prove, "block");
  course.give(JournalFailed{{ErrorCode::no_space, "full", ""}, again.id});
  EXPECT_EQ(course.finish().exit_code, 4);
  EXPECT_EQ(course.deed("fault-2").stage, Stage::undone);
}

TEST(Stop, ByAJournalThatFailsBeforeTheSystemIsAskedForCloses) {
  Drill drill(*make_plan(sim_playbook(), sim_rows::kRows, "01DRILL", 7, {}));
  bool finished = false;
  for (const auto& command :
       step(drill, {}, JournalFailed{{ErrorCode::no_space, "full", ""}, {}})) {
    finished = finished || std::holds_alternative<Finish>(command);
  }
  EXPECT_TRUE(finished);
  EXPECT_EQ(judge(drill).exit_code, 4);
}

TEST(Undo, RunsNewestFirst) {
  Course course(kOpenTimeline);
  (void)course.finish();
  EXPECT_EQ(course.undone_steps(), (std::vector<std::string>{"lost", "slowed", "load"}));
}

TEST(Undo, IsTriedAgainAndLookedAt) {
  Course course(kOpenTimeline);
  course.refuse(course.until(Op::undo, "lose-data"));
  course.refuse(course.until(Op::undo, "lose-data"));
  (void)course.until(Op::look, "lose-data");
  course.give(Done{course.drill.last_task, {}, Proof{false, "still lost", {}}});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0) << judged.document.pretty();
  EXPECT_EQ(std::ranges::count(course.undone_steps(), "lost"), 4);
}

TEST(Undo, ThatNeverWorksIsResidueAndStopsNoOther) {
  Course course(kOpenTimeline);
  for (int i = 0; i < 5; ++i) course.refuse(course.until(Op::undo, "lose-data"));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 5);
  EXPECT_EQ(judged.document.items("residue").size(), 1U);
  EXPECT_EQ(course.deed("slowed").stage, Stage::undone);
  EXPECT_TRUE(course.recorded("residue", "id", "lost"));
}

TEST(Undo, OfALoadThatCannotBeCleanedUpIsResidue) {
  Course course;
  for (int i = 0; i < 5; ++i) course.refuse(course.until(Op::undo, "load"));
  EXPECT_EQ(course.finish().exit_code, 5);
}

// Silence is counted from the drill's own first step on; the attempt itself began before.
TEST(StopCondition, CountsAnAttemptThatHungFromItsStart) {
  Course course;
  (void)course.until(Op::prepare, "block");
  const Instant first = course.drill.first_step->boot;
  course.drill.probes["answers"].since_bad = first;
  course.now.boot = first + std::chrono::milliseconds(2995);
  course.give(
      Sampled{"answers", first - std::chrono::milliseconds(10), course.now.boot, false, ""});
  ASSERT_TRUE(course.drill.stop);
  EXPECT_EQ(course.drill.stop->asked.by, StopBy::condition);
}

// A restore goes on to its own deadline, whatever limits.duration says.
TEST(NotAfter, OfAFaultWithoutATimeLeavesRoomForTheRestore) {
  Course course;
  const Task prepare = course.until(Op::prepare, "lose-data");
  const auto told = describe(course.drill, Done{prepare.id, {}, Undo{"lose-data", Json::object()}});
  const Instant not_after(Duration(told.data.integer("not_after_ns", 0)));
  EXPECT_GT(not_after - course.now.boot,
            course.drill.plan.playbook->limits.duration + Deadlines::restore);
}

TEST(NotAfter, OfARestoreLeavesRoomForItsOwnDeadline) {
  constexpr Duration kLong = std::chrono::hours(3);
  Course course;
  for (auto& planned : course.drill.plan.steps) {
    if (planned.step.kind == StepKind::restore) planned.step.deadline = kLong;
  }
  const Task prepare = course.until(Op::prepare, "restore");
  const auto told = describe(course.drill, Done{prepare.id, {}, Undo{"sqlite", Json::object()}});
  const Instant not_after(Duration(told.data.integer("not_after_ns", 0)));
  EXPECT_GT(not_after - course.now.boot, kLong);
}

// A server that drips its answer takes each try to its deadline.
TEST(Stop, TheCleanUpOfALoadTakesNoLongerThanOneTryMay) {
  Course course;
  const Task first = course.until(Op::undo, "load");
  EXPECT_EQ(first.deadline, course.now.boot + Deadlines::undo);
  course.now.boot += std::chrono::seconds(15);
  course.refuse(first, ErrorCode::timed_out, "no answer in time");
  const Task second = course.until(Op::undo, "load");
  EXPECT_EQ(second.deadline, first.deadline);
  course.now.boot = second.deadline;
  course.refuse(second, ErrorCode::timed_out, "no answer in time");
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 5);
  EXPECT_EQ(judged.document.items("residue").size(), 1U);
}

TEST(Stop, ACleanUpThatIsRefusedIsTriedAgain) {
  Course course;
  for (int i = 0; i < 4; ++i) course.refuse(course.until(Op::undo, "load"));
  EXPECT_EQ(course.finish().exit_code, 0);
}

}  // namespace
}  // namespace gameday
