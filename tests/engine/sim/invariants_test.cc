// Each invariant says no: a rehearsal that keeps every promise is altered in one thing.
#include "engine/sim/invariants.h"

#include "engine/journal/memory_journal.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {
namespace {

class InvariantsTest : public testing::Test {
 protected:
  InvariantsTest() : playbook(sim_playbook()) {
    RehearsalOptions options;
    done = *rehearse(playbook, sim_rows::kRows, 1, options);
  }
  bool breaks(std::string_view invariant) {
    for (const auto& broken : broken_invariants(done, *playbook)) {
      if (broken.invariant == invariant) return true;
    }
    return false;
  }
  // Writes the journal anew with its events altered; an event without a type is left out.
  void rewrite(const std::function<void(Event&)>& alter) {
    auto log = std::make_shared<MemoryLog>();
    log->drill = done.drill;
    const auto journal = memory_journal(log, "boot");
    for (const auto& line : done.journal) {
      Event event = *parse_event(line);
      alter(event);
      if (event.type.empty()) continue;
      (void)journal->append({event.at, *parse_rfc3339(event.utc)}, event.type, event.data,
                            Durability::durable);
    }
    done.journal = log->lines;
  }
  std::string mark_of(const std::string& kind) {
    for (const auto& line : done.journal) {
      const Event event = *parse_event(line);
      if (event.type == "deed" && event.data.text("kind") == kind) return event.data.text("deed");
    }
    return "";
  }
  std::shared_ptr<const Playbook> playbook;
  Rehearsal done;
};

TEST_F(InvariantsTest, AreAllKept) { EXPECT_TRUE(broken_invariants(done, *playbook).empty()); }

TEST_F(InvariantsTest, ADefectIsTold) {
  done.end = RehearsalEnd::defect;
  done.message = "defect";
  EXPECT_TRUE(breaks("no-defect"));
}

TEST_F(InvariantsTest, SomethingLeftIsTold) {
  done.standing = {mark_of("kill")};
  EXPECT_TRUE(breaks("nothing-left"));
}

TEST_F(InvariantsTest, ADeedWithoutARecordIsTold) {
  const std::string mark = mark_of("kill");
  rewrite([&](Event& event) {
    if (event.type == "deed" && event.data.text("deed") == mark) event.type.clear();
  });
  EXPECT_TRUE(breaks("undo-before-deed"));
}

TEST_F(InvariantsTest, ADeedThatWasBegunBeforeItsRecordIsTold) {
  done.unrecorded = {mark_of("kill")};
  EXPECT_TRUE(breaks("undo-before-deed"));
}

TEST_F(InvariantsTest, AReplayerThatSaysTooMuchIsTold) {
  done.claimed_gone = {mark_of("kill")};
  EXPECT_TRUE(breaks("replayer-told-true"));
}

TEST_F(InvariantsTest, AnUndoThatWasNotLookedAtIsTold) {
  const std::string mark = mark_of("kill");
  rewrite([&](Event& event) {
    if (event.type == "gone" && event.data.text("deed") == mark) event.type.clear();
  });
  EXPECT_TRUE(breaks("proven-gone"));
}

TEST_F(InvariantsTest, AnOlderUndoFirstIsTold) {
  Json older = Json::object({{"deed", done.drill + "-2"}, {"by", "revert"}});
  Json newer = Json::object({{"deed", done.drill + "-3"}, {"by", "revert"}});
  int seen = 0;
  rewrite([&](Event& event) {
    if (event.type != "sample" || seen > 1) return;
    event.type = "undo";
    event.data = seen++ == 0 ? older : newer;
  });
  EXPECT_TRUE(breaks("newest-first"));
  EXPECT_TRUE(breaks("one-writer"));
}

TEST_F(InvariantsTest, AReplayedSupersededUndoIsTold) {
  const std::string mark = mark_of("lose-data");
  bool superseded = false, told = false;
  rewrite([&](Event& event) {
    superseded = superseded || event.type == "superseded";
    if (!superseded || told || event.type != "sample") return;
    told = true;
    event.type = "undo";
    event.data = Json::object({{"deed", mark}});
  });
  EXPECT_TRUE(breaks("superseded-not-replayed"));
}

TEST_F(InvariantsTest, AChangeByAFencedRunnerIsTold) {
  done.taken_over = done.changes.front().at - Duration(1);
  EXPECT_TRUE(breaks("fenced-does-nothing"));
}

TEST_F(InvariantsTest, MissingDataIsTold) {
  done.missing = 1;
  EXPECT_TRUE(breaks("passed-whole"));
  EXPECT_TRUE(breaks("copy-kept"));
}

TEST_F(InvariantsTest, ALaggingLoadIsTold) {
  done.lagged = true;
  EXPECT_TRUE(breaks("passed-on-time"));
}

TEST_F(InvariantsTest, LateWritesAreTold) {
  done.late_writes = 1;
  EXPECT_TRUE(breaks("nothing-after-cleanup"));
}

TEST_F(InvariantsTest, ChangesByAnIdleReplayerAreTold) {
  done.idle_changes = 1;
  EXPECT_TRUE(breaks("replay-twice"));
}

TEST_F(InvariantsTest, AnUnprovenFaultIsTold) {
  rewrite([](Event& event) {
    if (event.type == "proof") event.data.set("held", false);
  });
  EXPECT_TRUE(breaks("passed-proven"));
}

TEST_F(InvariantsTest, AStepThatFailedIsTold) {
  rewrite([](Event& event) {
    if (event.type == "step" && event.data.text("step") == "verify") event.data.set("ok", false);
  });
  EXPECT_TRUE(breaks("passed-complete"));
}

TEST_F(InvariantsTest, ASteadyStateThatNobodySawIsTold) {
  rewrite([](Event& event) {
    if (event.type == "sample") event.data.set("ok", false);
  });
  EXPECT_TRUE(breaks("steady-seen"));
  EXPECT_TRUE(breaks("stop-condition-met"));
}

TEST_F(InvariantsTest, AProbeThatIsAskedOutsideOfItsTimeIsTold) {
  playbook = sim_playbook(kSimTimeline, sim_head_with_times("successes: 1"));
  const Rehearsal kept = done = *rehearse(playbook, sim_rows::kRows, 1, {});
  EXPECT_FALSE(breaks("probes-in-their-time"));
  for (const char* other : {"at-edges", "in-faults"}) {
    done = kept;
    rewrite([&](Event& event) {
      if (event.type == "sample") event.data.set("probe", other);
    });
    EXPECT_TRUE(breaks("probes-in-their-time")) << other;
  }
}

TEST_F(InvariantsTest, AnEndWhoseSteadyStateDidNotHoldIsTold) {
  bool ended = false;
  rewrite([&](Event& event) {
    ended = ended || (event.type == "phase" && event.data.text("phase") == "settling");
    if (ended && event.type == "sample") event.data.set("ok", false);
  });
  EXPECT_TRUE(breaks("steady-seen"));
}

TEST_F(InvariantsTest, ASteadyStateThatDidNotComeBackIsTold) {
  rewrite([](Event& event) {
    if (event.type == "settled") event.data.set("held", false);
  });
  EXPECT_TRUE(breaks("passed-complete"));
}

// It ended by itself when the second of its proofs had been seen, and was undone at once; or
// before.
TEST_F(InvariantsTest, ALeaseThatEndedEarlyIsTold) {
  const std::string mark = mark_of("block");
  std::optional<Instant> seen;
  for (const auto& line : done.journal) {
    const Event event = *parse_event(line);
    if (event.type == "proof" && event.data.text("deed") == mark) seen = event.at;
  }
  done.changes.push_back({*seen + Duration(1), Actor::late, mark, "ended by itself"});
  EXPECT_FALSE(breaks("passed-proven"));
  done.changes.back().at = *seen - Duration(1);
  EXPECT_TRUE(breaks("passed-proven"));
}

// A lease of which nobody has asked again whether it still bites.
TEST_F(InvariantsTest, ALeaseThatWasNotLookedAtAgainIsTold) {
  const std::string mark = mark_of("block");
  std::optional<Instant> seen;
  rewrite([&](Event& event) {
    if (event.type != "proof" || event.data.text("deed") != mark) return;
    if (seen) event.type.clear();
    seen = seen.value_or(event.at);
  });
  done.changes.push_back({*seen + Duration(1), Actor::late, mark, "ended by itself"});
  EXPECT_TRUE(breaks("passed-proven"));
}

TEST_F(InvariantsTest, AsManyInARowCountAsTheProbeAsksFor) {
  // Eight failures in a row are four seconds; one success among them is none where two are asked.
  const auto failing = [&](int good_at) {
    int nth = 0;
    rewrite([&](Event& event) {
      if (event.type != "sample") return;
      ++nth;
      event.data.set("ok", nth < 2 || nth == good_at || nth >= 10);
    });
  };
  failing(0);
  EXPECT_TRUE(breaks("stop-condition-met"));
  playbook = sim_playbook(kSimTimeline, sim_head_with("failures: 9"));
  EXPECT_FALSE(breaks("stop-condition-met"));
  playbook = sim_playbook(kSimTimeline, sim_head_with("failures: 3"));
  failing(6);
  EXPECT_FALSE(breaks("stop-condition-met"));
  playbook = sim_playbook(kSimTimeline, sim_head_with("failures: 3, successes: 2"));
  EXPECT_TRUE(breaks("stop-condition-met"));
}

TEST_F(InvariantsTest, AnotherExitCodeIsTold) {
  done.exit_code = 1;
  EXPECT_TRUE(breaks("precedence"));
  done.exit_code = 3;
  EXPECT_TRUE(breaks("not-started-touches-nothing"));
  done.exit_code = 5;
  EXPECT_TRUE(breaks("residue-named"));
}

// The same of a rehearsal with lanes, people and an action.
class LaneInvariantsTest : public InvariantsTest {
 protected:
  LaneInvariantsTest() {
    playbook = sim_playbook(kLanesTimeline);
    done = *rehearse(playbook, sim_rows::kRows, 1, {});
  }
};

TEST_F(LaneInvariantsTest, AreAllKept) {
  EXPECT_EQ(done.exit_code, 0) << done.document.pretty();
  EXPECT_TRUE(broken_invariants(done, *playbook).empty());
}

TEST_F(LaneInvariantsTest, AStepThatWasBegunAfterAFailureIsTold) {
  rewrite([](Event& event) {
    if (event.type == "step" && event.data.text("id") == "wait-3-4") event.data.set("ok", false);
  });
  EXPECT_TRUE(breaks("failure-obeyed"));
  EXPECT_TRUE(breaks("lanes-joined"));
}

TEST_F(LaneInvariantsTest, ATargetTooManyIsTold) {
  Playbook narrower = *playbook;
  narrower.limits.targets = 2;
  playbook = std::make_shared<const Playbook>(narrower);
  EXPECT_TRUE(breaks("limit-kept"));
}

TEST_F(LaneInvariantsTest, AnApprovalByTheOperatorIsTold) {
  rewrite([](Event& event) {
    if (event.type != "answered") return;
    event.data.set("who", Json::object({{"name", kRehearsalOperator}, {"uid", 1000}}));
  });
  EXPECT_TRUE(breaks("approval-given"));
}

TEST_F(LaneInvariantsTest, AnAcknowledgementThatNobodyGaveIsTold) {
  rewrite([](Event& event) {
    if (event.type == "answered") event.data.set("counts", false);
  });
  EXPECT_TRUE(breaks("acknowledged"));
  EXPECT_TRUE(breaks("approval-given"));
}

TEST_F(LaneInvariantsTest, AnActionThatWasNotDoneIsTold) {
  std::erase_if(done.changes, [](const Change& change) { return change.what == "performed"; });
  EXPECT_TRUE(breaks("passed-proven"));
}

TEST_F(InvariantsTest, AnEditedJournalIsTold) {
  done.journal[5][done.journal[5].find("\"t\":") + 5] ^= 1;
  EXPECT_TRUE(breaks("chain-verifies"));
}

TEST_F(InvariantsTest, AJournalWithoutItsEndIsTold) {
  done.journal.pop_back();
  EXPECT_TRUE(breaks("closed-or-interrupted"));
}

TEST_F(InvariantsTest, AStopThatDidNotStopIsTold) {
  bool told = false;
  rewrite([&](Event& event) {
    if (told || event.type != "proof") return;
    told = true;
    event.type = "stop";
    event.data = Json::object({{"by", "person"}});
  });
  EXPECT_TRUE(breaks("stop-obeyed"));
  EXPECT_TRUE(breaks("stop-undoes"));
}

TEST_F(InvariantsTest, ALateUndoAfterAStopIsTold) {
  bool told = false;
  rewrite([&](Event& event) {
    if (told || event.type != "proof") return;
    told = true;
    event.type = "stop";
    event.at -= std::chrono::seconds(10);
    event.data = Json::object({{"by", "person"}});
  });
  EXPECT_TRUE(breaks("stop-prompt"));
}

TEST_F(InvariantsTest, ACancelledRestoreIsTold) {
  rewrite([](Event& event) {
    if (event.type == "replay") event.data.set("error", "stopped");
  });
  EXPECT_TRUE(breaks("restore-not-cancelled"));
}

TEST_F(InvariantsTest, ADrillThatWaitsForNothingIsTold) {
  done.message = "the runner waited for nothing";
  EXPECT_TRUE(breaks("never-stuck"));
}

TEST_F(InvariantsTest, AnUndoGivenUpAtOnceIsTold) {
  rewrite([&](Event& event) {
    if (event.type != "erased") return;
    event.type = "residue";
    event.data = Json::object({{"deed", done.drill + "-99"}});
  });
  EXPECT_TRUE(breaks("tried-again"));
}

TEST_F(InvariantsTest, EachIsNamedOnce) {
  std::set<std::string_view> names;
  for (const auto& invariant : invariants()) {
    EXPECT_TRUE(names.insert(invariant.name).second) << invariant.name;
    EXPECT_FALSE(invariant.promise.empty());
  }
}

}  // namespace
}  // namespace gameday
