// The live part as a person sees it: whole screens, from drills made by hand.
#include "cli/screen.h"

#include "cli/doing.h"
#include "engine/base/text.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{std::chrono::hours(5)};

Now at(Duration since_start) { return {kStart + since_start, Utc{}}; }

// In the middle of a timeline: the process west is killed for good, the region is being cut off.
class Screens : public testing::Test {
 protected:
  static Drill drill_of(std::string_view timeline = kSimTimeline,
                        std::string_view head = kSimHead) {
    Drill drill(*make_plan(sim_playbook(timeline, head), sim_rows::kRows, "01DRILL", 7, {}));
    drill.began = at({});
    return drill;
  }

  Screens() : drill(drill_of()) { to_the_second_fault(drill); }

  void to_the_second_fault(Drill& into) {
    into.phase = Phase::running;
    into.loads_running = {"checkout"};
    into.deeds[0].stage = Stage::injected;
    end_step(into, 0, seconds(1), seconds(2));
    end_step(into, 1, seconds(2), seconds(4));
    into.steps[2].started = at(seconds(4));
    fault(into, "fault-2", "block", "", Stage::undone, seconds(2));
    fault(into, "west-killed", "kill", "west", Stage::proven, seconds(4));
    into.steps[2].ended = at(seconds(5));
    into.steps[3].started = at(seconds(5));
    fault(into, "fault-4", "drop-queue", "orders", Stage::proven, milliseconds(5200));
    seen.not_after["fault-4"] = kStart + seconds(90);
    for (int i = 0; i < 5; ++i) {
      seen.loads["checkout"].push_back({200, i == 3 ? 150u : 200u, 0.0011, 0.004 * (i + 1), false});
    }
    seen.probes["answers"] = {true, "status 200", kStart + seconds(5)};
  }

  static void end_step(Drill& into, std::size_t step, Duration from, Duration to) {
    into.steps[step].started = at(from);
    into.steps[step].ended = at(to);
    into.steps[step].ok = true;
  }

  static void fault(Drill& into, const std::string& id, const std::string& kind,
                    const std::string& target, Stage stage, Duration when) {
    DeedState deed;
    deed.deed = {id, kind, target, Json::object({{"region", "eu-west"}})};
    deed.step_id = id;
    deed.mark = id;
    deed.is_fault = true;
    deed.stage = stage;
    deed.begun = deed.injected = deed.proven = at(when);
    into.deeds.push_back(std::move(deed));
  }

  [[nodiscard]] std::string shown(TerminalTerms terms, Duration now = milliseconds(5300)) const {
    return "\n" + join(screen(drill, seen, kStart + now, terms), "\n") + "\n";
  }
  [[nodiscard]] std::string shown() const { return shown({80, 24, false, true}); }

  Drill drill;
  WatchedDrill seen;
};

TEST_F(Screens, AtEightyColumns) {
  EXPECT_EQ(shown(), R"(
── rehearsed ───────────────────────────────────── 5.3s, at least 2.5s to go ──
 ✓starting ✓loading ▶running ·reverting ·settling ·verifying ·cleaning ·closing
 step 4/11 fault-4  drop-queue orders held  ███░░░░░░░  0.1s of 0.3s, 0.2s left
 faults    west-killed  kill west                      proven    until revert-5
           fault-4  drop-queue orders  proven    for 0.2s more; guardian in 85s
 load      checkout         200/s   91.7 % ok   p50 1.1 ms  p99 20 ms
 p99                                                   ▂▄▅▇█  highest 20 ms
 success                                               ███▆█  lowest 75.0 %
 probes    answers        ok    status 200
 undos     3 owed, 1 done; the guardian watches
 Ctrl-C: undoes 2 faults, then verifies; again: shortens waits
)");
}

TEST_F(Screens, AtSixtyColumnsWithoutUnicode) {
  EXPECT_EQ(shown({60, 24, false, false}), R"(
-- rehearsed ----------------- 5.3s, at least 2.5s to go --
 phase 3 of 8: running, then reverting
 step 4/11 fault-4  drop-queue ord~ held  ##....  0.2s left
 faults    west-killed  kill west  proven    until revert-5
           fault-4  drop-queue ord~ proven    for 0.2s more
 load      checkout 200/s  91.7 % ok  p50 1.1 ms p99 20 ms
 p99                               .-=*#  highest 20 ms
 success                           ###+#  lowest 75.0 %
 probes    answers        ok    status 200
 undos     3 owed, 1 done; the guardian watches
 Ctrl-C: undoes 2 faults, then verifies
)");
}

TEST_F(Screens, NothingIsWiderThanTheTerminalOrHigherThanItMayBe) {
  drill.deeds.back().deed.target = std::string(300, 'x');
  seen.probes["answers"] = {false, std::string(500, 'y') + "数据库", kStart};
  for (int columns = kLeastColumns; columns < 200; ++columns) {
    for (int rows = kLeastRows; rows < 40; rows += 3) {
      const auto lines = screen(drill, seen, kStart + seconds(6), {columns, rows, false, true});
      ASSERT_FALSE(lines.empty());
      ASSERT_LE(static_cast<int>(lines.size()), rows - 4) << rows;
      for (const auto& line : lines) ASSERT_LT(columns_of(line), columns) << line;
    }
  }
}

TEST_F(Screens, ATerminalThatIsTooSmallHasNone) {
  EXPECT_TRUE(screen(drill, seen, kStart, {kLeastColumns - 1, 24, false, true}).empty());
  EXPECT_TRUE(screen(drill, seen, kStart, {80, kLeastRows - 1, false, true}).empty());
}

TEST_F(Screens, WithoutColoursTheSameLettersAreThere) {
  const std::string coloured = shown({80, 24, true, true});
  std::string stripped;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\x1b') {
      i = coloured.find('m', i);
    } else {
      stripped += coloured[i];
    }
  }
  EXPECT_NE(coloured, stripped);
  // Blanks at the end of a line are cut inside of a colour too.
  EXPECT_EQ(shown().find('\x1b'), std::string::npos);
  for (const char* word : {"FAILS", "proven", "100.0 %", "west-killed"}) {
    EXPECT_EQ(stripped.contains(word), shown().contains(word)) << word;
  }
}

TEST_F(Screens, HostileNamesStayInTheirPlace) {
  const std::string bad = "x\x1b[2J\x1b]0;owned\x07\r\nafter\u202egpj";
  drill.deeds.back().step_id = bad;
  drill.deeds.back().deed.target = bad;
  seen.probes["answers"] = {false, bad, kStart + seconds(5)};
  const std::string text = shown({120, 30, false, true});
  EXPECT_FALSE(text.contains('\x1b'));
  EXPECT_FALSE(text.contains('\r'));
  EXPECT_FALSE(text.contains("\u202e"));
  EXPECT_TRUE(text.contains("x?[2J?]0;owned?? after?gpj")) << text;
}

TEST_F(Screens, AFailingProbeIsSaidInWordsAndAnOldAnswerIsSaidToBeOld) {
  seen.probes["answers"] = {false, "status 503, expected 200", kStart + seconds(5)};
  EXPECT_TRUE(shown().contains("answers        FAILS status 503, expected 200")) << shown();
  EXPECT_FALSE(shown().contains(" ago"));
  EXPECT_TRUE(shown({80, 24, false, true}, seconds(20)).contains("15s ago"));
  seen.probes.clear();
  EXPECT_TRUE(shown().contains("answers        not asked yet"));
}

TEST_F(Screens, AProbeThatIsEvidenceAloneRaisesNoAlarm) {
  auto other = std::make_shared<Playbook>(*drill.plan.playbook);
  ProbeSpec alert;
  alert.name = "alert";
  alert.evidence_for = {"OPS-1"};
  other->probes.push_back(alert);
  alert.name = "closed";
  alert.during = During::fault;
  other->probes.push_back(alert);
  drill.plan.playbook = other;
  seen.probes["alert"] = {false, "any is false", kStart + seconds(5)};
  seen.probes["closed"] = {true, "status 401", kStart + seconds(5)};
  EXPECT_FALSE(shown().contains("FAILS")) << shown();
  EXPECT_TRUE(shown().contains("alert          no    any is false")) << shown();
  EXPECT_TRUE(shown().contains("closed         not asked now")) << shown();
  drill.probes["closed"].asked_since = kStart;
  EXPECT_TRUE(shown().contains("closed         ok    status 401")) << shown();
  // One that is no evidence either is there to be good, as the report has it.
  other->probes[1].evidence_for.clear();
  EXPECT_TRUE(shown().contains("alert          FAILS any is false")) << shown();
}

TEST_F(Screens, WhatIsNotAllIsNeverShownAsAll) {
  seen.loads["checkout"] = {{100000, 99999, 0.001, 0.002, true}};
  EXPECT_TRUE(shown().contains("99.9 % ok")) << shown();
  EXPECT_TRUE(shown().contains("we are late"));
  EXPECT_TRUE(shown({60, 24, false, true}).contains("we lag"));
  seen.loads["checkout"] = {{100, 0, 0, 0, false}};
  EXPECT_TRUE(shown().contains("0.0 % ok")) << shown();
}

TEST_F(Screens, ManyFaultsInALowTerminalAreCounted) {
  for (int i = 0; i < 30; ++i) {
    fault(drill, "many-" + std::to_string(i), "kill", "west", Stage::proven, seconds(5));
  }
  const std::string text = shown({80, 20, false, true});
  EXPECT_TRUE(text.contains("more faults")) << text;
  EXPECT_TRUE(text.contains("Ctrl-C: undoes 32 faults")) << text;
}

TEST_F(Screens, ResidueAndADeadGuardianAreSaid) {
  drill.residue.push_back({"fault x", "by hand"});
  EXPECT_TRUE(shown().contains("1 RESIDUE"));
  drill.stop = StopState{{StopBy::guardian, "the guardian has died", "", {}}, at({}), {}};
  EXPECT_TRUE(shown().contains("the guardian is DEAD")) << shown();
}

TEST_F(Screens, WhatAStopDoesNow) {
  const auto said = [this] { return what_a_stop_does(drill); };
  EXPECT_EQ(said(), "Ctrl-C: undoes 2 faults, then verifies; again: shortens waits");
  drill.deeds.pop_back();
  EXPECT_EQ(said(), "Ctrl-C: undoes 1 fault, then verifies; again: shortens waits");
  drill.steps[8].started = at(seconds(9));  // the restore
  EXPECT_EQ(said(),
            "Ctrl-C: lets the restore end, undoes 1 fault, then verifies; again: shortens waits");
  drill.steps[8].ended = at(seconds(9));
  drill.stop = StopState{{StopBy::person, "stopped by a person", "", {}}, at({}), {}};
  EXPECT_EQ(said(), "stopping: undoes 1 fault, then verifies; Ctrl-C: shortens waits");
  drill.hurried = true;
  EXPECT_EQ(said(), "stopping: waits are shortened, no undo is left out");
  Drill young = drill_of();
  EXPECT_EQ(what_a_stop_does(young),
            "Ctrl-C: ends the drill, nothing is injected; again: shortens waits");
  young.phase = Phase::closing;
  EXPECT_EQ(what_a_stop_does(young), "Ctrl-C: nothing more, the drill is closing");
}

TEST_F(Screens, TheLeastTimeLeftShrinksAsStepsGo) {
  // 0.3s of drop-queue's, a wait of 0.3s, and steady states of 1s in the timeline and at the end.
  EXPECT_EQ(least_left(drill, seen, kStart + milliseconds(5200)), milliseconds(2600));
  EXPECT_EQ(least_left(drill, seen, kStart + milliseconds(5300)), milliseconds(2500));
  // A deed that takes longer than its time does not make the rest shorter.
  EXPECT_EQ(least_left(drill, seen, kStart + seconds(60)), milliseconds(2300));
  drill.timeline_failed = true;
  EXPECT_EQ(least_left(drill, seen, kStart + milliseconds(5300)), seconds(1));
}

TEST_F(Screens, AfterTheTimelineItSaysWhatTheEndWaitsFor) {
  drill.phase = Phase::verifying;
  Task task;
  task.id = 9;
  task.op = Op::read_back;
  task.names = {"checkout"};
  task.deadline = kStart + seconds(65);
  drill.tasks[9] = task;
  const auto now = doing(drill, seen, kStart + seconds(5));
  ASSERT_EQ(now.size(), 1u);
  EXPECT_EQ(now[0].what, "checkout");
  EXPECT_EQ(now[0].state, "reading the ledger back");
  EXPECT_EQ(now[0].time, "at most 60s");
  drill.phase = Phase::settling;
  seen.phase_since = kStart + seconds(5);
  drill.probes["answers"].since_bad = kStart + seconds(5);
  EXPECT_EQ(doing(drill, seen, kStart + seconds(6))[0].state, "not steady");
  drill.probes["answers"].since_bad.reset();
  drill.probes["answers"].since_ok = kStart + seconds(6);
  const auto steady = doing(drill, seen, kStart + milliseconds(6500))[0];
  EXPECT_EQ(steady.state, "steady");
  EXPECT_EQ(steady.time, "0.5s of 1.0s, 0.5s left");
}

TEST(WatchedEvents, WindowsAreKeptAndTakenTogether) {
  WatchedDrill watched;
  for (int i = 0; i < 500; ++i) {
    watched.see(kStart, "window",
                Json::object({{"load", "l"},
                              {"due", 10},
                              {"ok", i == 499 ? 5 : 10},
                              {"p50_s", 0.001},
                              {"p99_s", 0.001 * i},
                              {"marked", i == 498}}));
  }
  const auto& windows = watched.loads.at("l");
  EXPECT_EQ(windows.size(), WatchedDrill::kWindows);
  EXPECT_EQ(load_now(windows, 1).success, 0.5);
  EXPECT_FALSE(load_now(windows, 1).marked);
  EXPECT_TRUE(load_now(windows, 2).marked);
  EXPECT_EQ(load_now(windows, 2).success, 0.75);
  EXPECT_EQ(load_now({}, 3).rate, 0);
  EXPECT_EQ(load_line("l", windows, 10), "l 10/s, 95.0 % ok, p99 499 ms, we are late");
}

}  // namespace
}  // namespace gameday
