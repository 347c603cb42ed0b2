// The rule that everything rests on: journal, then step, then commands; and what a journal owes.
#include "engine/conductor/journaled_drill.h"

#include "engine/conductor/open_undos.h"
#include "engine/conductor/replay.h"
#include "engine/journal/memory_journal.h"
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

class Recorder : public Hands {
 public:
  Now now() override { return {Instant(std::chrono::seconds(5)), Utc(std::chrono::seconds(9))}; }
  void begin(const Task& task) override {
    begun.push_back(task);
    lines_at_begin.push_back(log->lines.size());
  }
  void cancel(TaskId) override {}
  void wake(const Wake&) override {}
  void ask(const Ask&) override {}
  void journaled(std::string_view type, const Json&) override { types.emplace_back(type); }

  std::shared_ptr<MemoryLog> log = std::make_shared<MemoryLog>();
  std::vector<Task> begun;
  std::vector<std::size_t> lines_at_begin;
  std::vector<std::string> types;
};

class JournaledDrillTest : public testing::Test {
 protected:
  JournaledDrillTest() : drill(*make_plan(sim_playbook(), sim_rows::kRows, "01DRILL", 7, {})) {
    hands.log->drill = "01DRILL";
    journal = memory_journal(hands.log, "boot");
    journaled.emplace(drill, *journal, hands);
  }
  void answer(decltype(Done::value) value) {
    journaled->happen(Done{hands.begun.back().id, {}, std::move(value)});
  }
  Drill drill;
  Recorder hands;
  std::unique_ptr<Journal> journal;
  std::optional<JournaledDrill> journaled;
};

TEST_F(JournaledDrillTest, KeepsTheUndoBeforeTheDeedIsAskedFor) {
  journaled->happen(Begun{});
  answer(SystemUp{});
  answer(Undo{"load", Json::object()});
  ASSERT_EQ(hands.begun.back().op, Op::inject);
  const auto kept = parse_event(hands.log->lines.at(hands.lines_at_begin.back() - 1));
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->type, "deed");
}

TEST_F(JournaledDrillTest, DoesNothingThatCannotBeRecorded) {
  journaled->happen(Begun{});
  answer(SystemUp{});
  hands.log->full_from = hands.log->lines.size() + 1;
  hands.log->reserve_events = 0;
  answer(Undo{"load", Json::object()});
  for (const auto& task : hands.begun) EXPECT_NE(task.op, Op::inject);
  EXPECT_TRUE(drill.stop.has_value());
}

TEST_F(JournaledDrillTest, EndsFencedOnceAnotherReplayerHasTheDrill) {
  journaled->happen(Begun{});
  const auto other = take_over_memory_journal(hands.log, "boot");
  const std::size_t begun = hands.begun.size();
  answer(SystemUp{});
  EXPECT_EQ(journaled->end(), JournaledDrill::End::fenced);
  EXPECT_EQ(hands.begun.size(), begun);
}

TEST_F(JournaledDrillTest, AsksForTheDrillBeforeATimerOfItsOwnUndoesAnything) {
  constexpr std::string_view kHeld = R"yaml(
timeline:
  - { fault: kill, target: west, for: 1s }
)yaml";
  Drill held(*make_plan(sim_playbook(kHeld), sim_rows::kRows, "01DRILL", 7, {}));
  JournaledDrill runner(held, *journal, hands);
  const auto well = [&](decltype(Done::value) value) {
    runner.happen(Done{hands.begun.back().id, {}, std::move(value)});
  };
  runner.happen(Begun{});
  well(SystemUp{});
  well(Undo{"load", Json::object()});
  well({});
  well(Undo{"kill", Json::object()});
  well({});
  well(Proof{true, "it is dead", Json::object()});
  const auto other = take_over_memory_journal(hands.log, "boot");
  const std::size_t begun = hands.begun.size();
  runner.happen(Woken{held.lanes.front().step_timer});
  EXPECT_EQ(runner.end(), JournaledDrill::End::fenced);
  EXPECT_EQ(hands.begun.size(), begun);
}

TEST_F(JournaledDrillTest, IgnoresAnAnswerThatNobodyWaitsFor) {
  journaled->happen(Begun{});
  const std::size_t lines = hands.log->lines.size();
  journaled->happen(Done{4711, {}, {}});
  EXPECT_EQ(hands.log->lines.size(), lines);
}

TEST_F(JournaledDrillTest, NeverPassesOnAJournalThatCannotBeClosed) {
  journaled->happen(Begun{});
  hands.log->full_from = hands.log->lines.size() + 1;
  hands.log->reserve_events = 0;
  drill.reasons.clear();
  const auto closing = journaled->close();
  EXPECT_EQ(closing.exit_code, 4);
  EXPECT_FALSE(closing.problem.empty());
}

// A journal of one deed, as a runner that died would leave it.
class OwedTest : public testing::Test {
 protected:
  OwedTest() {
    log->drill = "01DRILL";
    journal = memory_journal(log, "boot");
  }
  void note(std::string_view type, Json data, Duration at = {}) {
    const Now now{Instant(std::chrono::seconds(100)) + at, Utc(std::chrono::seconds(9))};
    ASSERT_TRUE(journal->append(now, type, data, Durability::durable).has_value());
  }
  void deed(const std::string& mark, Duration deadline = std::chrono::seconds(15)) {
    const Instant by = Instant(std::chrono::seconds(100)) + deadline;
    note("deed", Json::object({{"deed", mark},
                               {"id", "step-" + mark},
                               {"kind", "kill"},
                               {"target", "west"},
                               {"undo", to_json(Undo{"kill", Json::object()})},
                               {"inject_deadline_ns", by.time_since_epoch().count()}}));
  }
  std::shared_ptr<MemoryLog> log = std::make_shared<MemoryLog>();
  std::unique_ptr<Journal> journal;
};

TEST_F(OwedTest, EveryDeedUntilItIsSeenToBeGone) {
  deed("d-1");
  deed("d-2");
  note("gone", Json::object({{"deed", "d-1"}, {"held", true}, {"closes", true}}));
  const auto owed = owed_by(log->lines);
  ASSERT_TRUE(owed.has_value());
  ASSERT_EQ(owed->open.size(), 1U);
  EXPECT_EQ(owed->open.front().mark, "d-2");
}

TEST_F(OwedTest, NewestFirst) {
  deed("d-1");
  deed("d-2");
  const auto owed = owed_by(log->lines);
  EXPECT_EQ(owed->open.front().mark, "d-2");
}

TEST_F(OwedTest, ALookThatDoesNotCloseLeavesItOpen) {
  deed("d-1");
  note("gone", Json::object({{"deed", "d-1"}, {"held", true}, {"closes", false}}));
  EXPECT_EQ(owed_by(log->lines)->open.size(), 1U);
}

TEST_F(OwedTest, NothingThatARestoreSuperseded) {
  deed("d-1");
  deed("d-2");
  Json marks = Json::array();
  marks.push("d-1").push("d-2");
  note("superseded", Json::object({{"deeds", std::move(marks)}, {"by", "restore-9"}}));
  EXPECT_TRUE(owed_by(log->lines)->open.empty());
}

TEST_F(OwedTest, ADeedWhoseEndIsUnknownForAsLongAsItMayArrive) {
  deed("d-1");
  EXPECT_EQ(owed_by(log->lines)->open.front().uncertain_until,
            Instant(std::chrono::seconds(115)) + Deadlines::settle);
  note("injected", Json::object({{"deed", "d-1"}, {"ok", true}}));
  EXPECT_FALSE(owed_by(log->lines)->open.front().uncertain_until.has_value());
}

class ScriptedPlace : public UndoPlace {
 public:
  Now now() override { return {time, Utc(std::chrono::seconds(9))}; }
  std::string boot() override { return boot_now; }
  void wait_until(Instant at) override { time = std::max(time, at); }
  bool stopped() override { return false; }
  Status undo(const OpenUndo& owed) override {
    undone.push_back(owed.mark);
    if (fails[owed.mark]-- > 0) return fail(ErrorCode::failed, "not now");
    there.erase(owed.mark);
    return {};
  }
  Result<Proof> look(const OpenUndo& owed) override {
    if (arrives && time >= *arrives) there.insert(owed.mark), arrives.reset();
    return Proof{!there.contains(owed.mark), "looked", Json::object()};
  }
  Status erase(const Undo&, const std::string& mark) override {
    erased.push_back(mark);
    return {};
  }

  Instant time{std::chrono::seconds(101)};
  std::string boot_now = "boot";
  std::map<std::string, int> fails;
  std::set<std::string> there;
  std::optional<Instant> arrives;
  std::vector<std::string> undone, erased;
};

TEST_F(OwedTest, AReplayerUndoesAllThatIsOwedNewestFirst) {
  deed("d-1");
  deed("d-2");
  ScriptedPlace place;
  place.there = {"d-1", "d-2"};
  place.fails["d-2"] = 2;
  const auto done = replay_undos(*owed_by(log->lines), *journal, place, "guardian");
  EXPECT_EQ(place.undone, (std::vector<std::string>{"d-2", "d-2", "d-2", "d-1"}));
  EXPECT_EQ(done.undone.size(), 2U);
  EXPECT_TRUE(done.residue.empty());
  EXPECT_TRUE(owed_by(log->lines)->open.empty());
}

TEST_F(OwedTest, AReplayerNamesWhatItCannotUndo) {
  deed("d-1");
  deed("d-2");
  ScriptedPlace place;
  place.fails["d-2"] = 99;
  const auto done = replay_undos(*owed_by(log->lines), *journal, place, "guardian");
  ASSERT_EQ(done.residue.size(), 1U);
  EXPECT_NE(done.residue.front().find("not now"), std::string::npos);
  EXPECT_EQ(owed_by(log->lines)->open.size(), 1U);
}

TEST_F(OwedTest, AReplayerLooksOnceMoreForWhatArrivesLate) {
  deed("d-1");
  ScriptedPlace place;
  place.arrives = Instant(std::chrono::seconds(116));
  const auto done = replay_undos(*owed_by(log->lines), *journal, place, "guardian");
  EXPECT_TRUE(place.there.empty());
  EXPECT_EQ(place.undone.size(), 2U);
  EXPECT_TRUE(done.residue.empty());
}

TEST_F(OwedTest, AReplayerAfterARebootWaitsForNothingAndCloses) {
  deed("d-1");
  ScriptedPlace place;
  place.boot_now = "another boot";
  place.time = Instant(std::chrono::seconds(3));
  (void)replay_undos(*owed_by(log->lines), *journal, place, "revert");
  EXPECT_EQ(place.time, Instant(std::chrono::seconds(3)));
  EXPECT_TRUE(owed_by(log->lines)->open.empty());
}

TEST_F(OwedTest, AFencedReplayerDoesNothingMore) {
  deed("d-1");
  deed("d-2");
  const auto owed = owed_by(log->lines);
  const auto other = take_over_memory_journal(log, "boot");
  ScriptedPlace place;
  const auto done = replay_undos(*owed, *journal, place, "guardian");
  EXPECT_TRUE(done.fenced);
  EXPECT_EQ(place.undone.size(), 1U);
}

}  // namespace
}  // namespace gameday
