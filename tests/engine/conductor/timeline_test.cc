// The timeline: what each step asks for, in which order, and when it goes no further.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

TEST(Timeline, PassesWhenEverythingHolds) {
  Course course;
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0) << judged.document.pretty();
  EXPECT_EQ(judged.verdict, "passed");
  EXPECT_EQ(course.drill.phase, Phase::closed);
}

TEST(Timeline, RunsItsPhasesInOrder) {
  Course course;
  (void)course.finish();
  std::vector<std::string> phases;
  for (const auto& record : course.records) {
    if (record.type == "phase") phases.push_back(record.data.text("phase"));
  }
  EXPECT_EQ(phases, (std::vector<std::string>{"loading", "running", "reverting", "settling",
                                              "verifying", "cleaning", "closing", "closed"}));
}

TEST(Timeline, AsksForAFaultOnlyOnceItsUndoIsKnown) {
  Course course;
  const Task prepare = course.until(Op::prepare, "block");
  EXPECT_EQ(course.deed("fault-2").stage, Stage::preparing);
  course.answer(prepare, Undo{"block", Json::object({{"rule", 7}})});
  ASSERT_EQ(course.tasks.size(), 1U);
  EXPECT_EQ(course.tasks.front().op, Op::inject);
  EXPECT_EQ(course.tasks.front().undo.arguments.integer("rule", 0), 7);
}

TEST(Timeline, HoldsAFaultForItsTimeAndRevertsIt) {
  Course course;
  course.well(course.until(Op::prove, "block"));
  const Instant proven = course.now.boot;
  const Task again = course.until(Op::prove, "block");  // a lease: does it still bite?
  EXPECT_GE(course.now.boot - proven, std::chrono::seconds(1));
  course.well(again);
  EXPECT_EQ(course.until(Op::undo).what.kind, "block");
}

TEST(Timeline, LeavesAFaultWithoutATimeOpenUntilItIsReverted) {
  Course course;
  (void)course.until(Op::prepare, "drop-queue");
  EXPECT_TRUE(course.deed("west-killed").open());
}

TEST(Timeline, StopsWhenAFaultDoesNotBite) {
  Course course;
  course.answer(course.until(Op::prove, "kill"), Proof{false, "it runs on", {}});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_NE(judged.reasons.front().text.find("did not bite: it runs on"), std::string::npos);
  EXPECT_EQ(course.undone_steps(), (std::vector<std::string>{"fault-2", "west-killed", "load"}));
}

TEST(Timeline, IsInconclusiveWhenALeaseEndedBeforeItsTime) {
  Course course;
  course.well(course.until(Op::prove, "block"));
  course.answer(course.until(Op::prove, "block"), Proof{false, "it is gone", {}});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_NE(judged.reasons.front().text.find("gone before it was reverted"), std::string::npos);
}

TEST(Timeline, UndoesADeedThatFailedHalfWay) {
  Course course;
  course.refuse(course.until(Op::inject, "kill"));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_EQ(course.undone_steps().at(1), "west-killed");
}

TEST(Timeline, DoesNotStartWithoutASteadyState) {
  Course course;
  course.probes_ok = false;
  // The stop condition would come first: it is not what is asked here.
  course.silent = true;
  const auto judged = course.finish();
  EXPECT_TRUE(judged.exit_code == 3 || judged.exit_code == 4);
  EXPECT_FALSE(course.drill.any_injected);
}

TEST(Timeline, TakesNoOldAttemptForASteadyState) {
  Course course;
  (void)course.until(Op::inject, "load");
  course.silent = true;
  course.give(Done{course.drill.last_task, {}, {}});
  course.sample(true);
  const Sampled only{"answers", course.now.boot, course.now.boot, true, ""};
  course.now.boot += std::chrono::milliseconds(1200);  // held up for longer than a probe may take
  course.give(only);
  EXPECT_TRUE(course.drill.lanes.front().steady.has_value());
}

// How long the first steady state is waited for, where its probe fails every `nth` time; without
// end where it never comes.
Duration steady_after(const std::string& more, int nth) {
  const std::string head = sim_head_with(more);
  Course course(
      "\ntimeline:\n  - steady_state: { for: 2s, within: 9s, probes: [answers] }\n"
      "  - { fault: kill, target: west, for: 1s }\n",
      head);
  course.well(course.until(Op::inject, "load"));
  course.silent = true;
  const Instant begun = course.now.boot;
  for (int i = 1; i < 25 && course.tasks.empty() && !course.finished; ++i) {
    course.pass(std::chrono::milliseconds(500));
    if (course.tasks.empty()) course.sample(i % nth != 0);
  }
  const bool came = !course.tasks.empty() && course.tasks.front().op == Op::prepare;
  return came ? course.now.boot - begun : Duration::max();
}

TEST(Timeline, ASteadyStateBearsFewerFailuresInARowThanCount) {
  using namespace std::chrono_literals;
  EXPECT_EQ(steady_after("failures: 1", 3), Duration::max());
  EXPECT_LT(steady_after("failures: 2", 3), 3s);
  EXPECT_EQ(steady_after("failures: 2", 1), Duration::max());
}

TEST(Timeline, ASteadyStateWaitsForAsManySuccessesInARowAsCount) {
  using namespace std::chrono_literals;
  EXPECT_LT(steady_after("successes: 4", 100), 4s);
  EXPECT_EQ(steady_after("successes: 4, failures: 2", 3), Duration::max()) << "never four in a row";
}

TEST(Timeline, FailsWhenALaterSteadyStateIsMissed) {
  constexpr std::string_view kLater = R"yaml(
timeline:
  - { fault: kill, target: west, for: 100ms }
  - steady_state: { for: 1s, within: 2s, probes: [answers] }
)yaml";
  Course course(kLater);
  (void)course.until(Op::look, "kill");
  course.probes_ok = false;
  course.tasks.clear();
  course.give(Done{course.drill.last_task, {}, Proof{true, "gone", {}}});
  for (int i = 0; i < 25; ++i) course.pass(std::chrono::milliseconds(100));
  course.probes_ok = true;
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_TRUE(judged.reasons.front().text.ends_with("no steady state for 1s within 2s: answers"))
      << judged.reasons.front().text;
}

TEST(Timeline, CountsARegionAsOneTarget) {
  constexpr std::string_view kRegion = R"yaml(
timeline:
  - { fault: block, region: eu-west, id: cut }
  - { fault: kill, target: west, id: killed }
  - { fault: litter, path: run/data }
  - { fault: slow, target: north }
)yaml";
  Course course(kRegion);
  (void)course.until(Op::prove, "kill");
  course.give(Done{course.drill.last_task, {}, Proof{true, "it is dead", {}}});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 4);
  EXPECT_NE(judged.reasons.front().text.find("would put 4 targets under fault"), std::string::npos)
      << judged.reasons.front().text;
}

TEST(Timeline, SupersedesTheDataUndosOfATargetInOneEvent) {
  Course course;
  (void)course.finish();
  const auto found = std::ranges::find(course.records, "superseded", &Record::type);
  ASSERT_NE(found, course.records.end());
  EXPECT_EQ(found->data.items("deeds").size(), 2U);
  EXPECT_EQ(course.deed("lost").stage, Stage::superseded);
  EXPECT_EQ(std::ranges::count(course.records, "superseded", &Record::type), 1);
}

// A restore to a point after the fault: what that took is put back into what was restored.
TEST(Timeline, AFaultThatCameBackWithTheRestoreIsUndoneAndNotSuperseded) {
  Course course;
  const Task asked = course.until(Op::still_bites);
  EXPECT_EQ(asked.what.kind, "lose-data");
  EXPECT_EQ(asked.mark, course.deed("lost").mark);
  course.answer(asked, Proof{true, "7 rows are gone", Json::object()});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_EQ(judged.reasons.front().text,
            "the restore of store into place brought back what lose-data (step lost) did: 7 rows "
            "are gone");
  const auto closed = std::ranges::find(course.records, "superseded", &Record::type);
  ASSERT_NE(closed, course.records.end());
  EXPECT_EQ(closed->data.items("deeds").size(), 1U) << "the restore itself";
  EXPECT_EQ(course.deed("lost").stage, Stage::undone);
  EXPECT_EQ(course.deed("restore-9").stage, Stage::superseded);
  EXPECT_FALSE(judged.document.items("restores").front().boolean("verified", true));
  EXPECT_TRUE(judged.document.get("recovery").get("verified_s").is_null());
}

TEST(Timeline, WhereItIsNotKnownWhetherAFaultCameBackItIsUndone) {
  Course course;
  course.refuse(course.until(Op::still_bites), ErrorCode::failed, "no answer");
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_TRUE(judged.reasons.front().text.ends_with("did is not known: no answer"));
  EXPECT_EQ(course.deed("lost").stage, Stage::undone);
}

TEST(Timeline, AStopDoesNotKeepItFromBeingKnownWhetherAFaultCameBack) {
  for (const bool came_back : {false, true}) {
    Course course;
    const Task asked = course.until(Op::still_bites);
    course.stop();
    EXPECT_EQ(std::ranges::count(course.cancelled, asked.id), 0);
    course.answer(asked, Proof{came_back, "", Json::object()});
    EXPECT_EQ(course.finish().exit_code, 4);
    EXPECT_EQ(course.deed("lost").stage, came_back ? Stage::undone : Stage::superseded);
    EXPECT_EQ(course.deed("restore-9").stage, Stage::superseded);
  }
}

// Beside each other: `check` cannot tell which of them is first.
constexpr std::string_view kBackupBesideDamage = R"yaml(
timeline:
  - { backup: store, id: whole }
  - parallel:
      - { fault: damage, target: store, id: damaged }
      - { backup: store, id: beside }
  - { restore: store, into: place }
)yaml";

BackupTaken backup_of(std::string id, Utc taken) {
  return {"store", std::move(id), "", "", taken, Json::object()};
}

// The one beside the fault is begun so long after that was injected; the other is of a clock that
// goes ahead.
Judgement restored_beside(Course& course, Duration after) {
  const Task first = course.until(Op::backup);
  course.answer(first, backup_of("/whole", course.now.utc + std::chrono::hours(1)));
  course.well(course.until(Op::prepare));
  const Task beside = course.until(Op::backup);
  course.well(course.until(Op::inject));
  course.answer(beside, backup_of("/beside", course.deed("damaged").injected->utc + after));
  return course.finish();
}

TEST(Timeline, ABackupThatWasTakenWhileAFaultHeldIsNotRestoredIntoPlace) {
  Course course(kBackupBesideDamage);
  const auto judged = restored_beside(course, std::chrono::milliseconds(1));
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_EQ(judged.reasons.front().text,
            "the restore of store into place would bring back what damage (step damaged) did: its "
            "backup /beside was taken while that held");
  EXPECT_FALSE(course.recorded("superseded"));
  EXPECT_EQ(course.deed("damaged").stage, Stage::undone);
  EXPECT_TRUE(judged.document.items("restores").empty());
}

TEST(Timeline, ABackupThatWasBegunBeforeAFaultIsRestored) {
  Course course(kBackupBesideDamage);
  const auto judged = restored_beside(course, std::chrono::milliseconds(-1));
  EXPECT_EQ(judged.exit_code, 0) << judged.document.pretty();
  EXPECT_EQ(course.deed("damaged").stage, Stage::superseded);
}

// By the order of the steps, by the point that is gone to, or by what can be asked afterwards.
TEST(Timeline, ABackupThatMayBeWithoutAFaultIsRestored) {
  const std::pair<std::string, std::string> edits[] = {
      {"into: place", "into: place, from: whole"},
      {"into: place", "into: place, point: before damaged"},
      {"fault: damage", "fault: lose-data"}};
  for (const auto& [old, by] : edits) {
    std::string timeline(kBackupBesideDamage);
    Course course(timeline.replace(timeline.find(old), old.size(), by));
    const auto judged = restored_beside(course, std::chrono::milliseconds(1));
    EXPECT_EQ(judged.exit_code, 0) << by << judged.document.pretty();
    EXPECT_EQ(course.deed("damaged").stage, Stage::superseded) << by;
  }
}

TEST(Timeline, APointBeforeAFaultIsTheTimeWhenItBegan) {
  constexpr std::string_view kBefore = R"yaml(
timeline:
  - backup: store
  - { fault: lose-data, target: store, id: lost }
  - wait: 2s
  - { restore: store, into: place, point: before lost }
)yaml";
  Course course(kBefore);
  const Task prepare = course.until(Op::prepare, "restore");
  EXPECT_EQ(prepare.what.arguments.text("point"), rfc3339(course.deed("lost").begun->utc));
  EXPECT_EQ(prepare.what.arguments.text("into"), "place");
  EXPECT_EQ(prepare.backup.target, "store");
}

TEST(Timeline, PutsTheKeptStateBackWhenARestoreDoesNotVerify) {
  Course course;
  course.answer(course.until(Op::inject, "restore"),
                Restored{false, false, "the digest differs", Json::object()});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  const auto undone = course.undone_steps();
  const auto restore = std::ranges::find(undone, "restore-9");
  ASSERT_NE(restore, undone.end());
  EXPECT_LT(restore, std::ranges::find(undone, "lost"));
}

TEST(Timeline, RefusesAVacuousRestore) {
  Course course;
  course.answer(course.until(Op::inject, "restore"), Restored{true, true, "", Json::object()});
  EXPECT_EQ(course.finish().exit_code, 1);
}

// Two of them under one id: a tool may name the backup that it has, whenever it is asked.
TEST(Timeline, RestoresTheBackupOfTheStepThatItNames) {
  constexpr std::string_view kTwo = R"yaml(
timeline:
  - { backup: store, id: first }
  - { backup: store, id: second }
  - { restore: store, from: first }
  - { restore: store }
)yaml";
  Course course(kTwo);
  for (const auto* digest : {"of the first", "of the second"}) {
    BackupTaken taken;
    taken.target = "store";
    taken.id = "/backup";
    taken.sha256 = digest;
    course.answer(course.until(Op::backup), taken);
  }
  const auto named = course.until(Op::restore_scratch);
  EXPECT_EQ(named.backup.sha256, "of the first");
  course.well(named);
  EXPECT_EQ(course.until(Op::restore_scratch).backup.sha256, "of the second");
}

TEST(Timeline, SupersedesNothingWhenTheQueueDoesNotReplay) {
  Course course;
  course.refuse(course.until(Op::replay));
  EXPECT_EQ(course.finish().exit_code, 1);
  EXPECT_EQ(course.deed("lost").stage, Stage::undone);
}

TEST(Timeline, SupersedesNothingWhenTheReplayedQueueDoesNotDrain) {
  Course course;
  course.refuse(course.until(Op::drain), ErrorCode::timed_out, "3 messages are left");
  EXPECT_EQ(course.finish().exit_code, 1);
  EXPECT_EQ(course.deed("lost").stage, Stage::undone);
}

// What the load sends meanwhile passes through the same queue: a quarter of a second of what is due
// then.
TEST(Timeline, AQueueCountsAsDrainedByTheRateThatIsThen) {
  const auto tolerated = [](std::string_view shape) {
    std::string head(kSimHead);
    const std::string_view rate = "rate: 10/s";
    head.replace(head.find(rate), rate.size(), shape);
    Course course(kSimTimeline, head);
    return course.until(Op::drain).tolerated;
  };
  EXPECT_EQ(tolerated("rate: 40/s"), 10);
  EXPECT_EQ(tolerated("stages: [{ rate: 400/s, for: 1s }, { rate: 20/s, for: 1h }]"), 5);
  EXPECT_EQ(tolerated("stages: [{ rate: 20/s, for: 1s }, { rate: 40/s, for: 1h }]"), 10);
}

TEST(Timeline, CallsNoLoadSummaryTwiceThatCannotBeMade) {
  Course course;
  course.refuse(course.until(Op::summarise));
  EXPECT_EQ(course.finish().exit_code, 6);
}

TEST(Timeline, ReadsTheLedgerAgainAfterAFaultThatFollowsAVerify) {
  constexpr std::string_view kAfter = R"yaml(
timeline:
  - verify: [checkout]
  - { restore: store, into: place }
)yaml";
  Course course(kAfter);
  (void)course.until(Op::read_back);
  course.give(Done{course.drill.last_task, {}, Course::whole_ledger()});
  // There is no backup, so the restore fails; its attempt asks for no second reading.
  EXPECT_NE(course.finish().exit_code, 0);
}

TEST(Timeline, DoesNotStartWithoutItsSystem) {
  Course course;
  course.refuse(course.until(Op::system_start));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 3);
  EXPECT_TRUE(course.undos.empty());
}

TEST(Timeline, DoesNotStartWithoutItsLoad) {
  Course course;
  course.refuse(course.until(Op::inject, "load"));
  EXPECT_EQ(course.finish().exit_code, 3);
}

}  // namespace
}  // namespace gameday
