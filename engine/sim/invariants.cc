#include "engine/sim/invariants.h"

#include <algorithm>
#include <array>

#include "engine/sim/invariants_parts.h"

namespace gameday {
namespace {

constexpr std::array kInvariants{
    Invariant{"no-defect", "gameday makes no mistake of its own", no_defect},
    Invariant{"nothing-left", "what was injected is gone, or named with exit code 5", nothing_left},
    Invariant{"undo-before-deed", "an undo is on disk before its deed is done", undo_before_deed},
    Invariant{"newest-first", "undos run newest first", newest_first},
    Invariant{"proven-gone", "every undo is looked at, until it is gone", proven_gone},
    Invariant{"superseded-not-replayed", "what a restore has closed is never put back over it",
              superseded_not_replayed},
    Invariant{"copy-kept", "a superseded copy stays where data is missing", copy_kept},
    Invariant{"residue-named", "exit code 5 names what is left", residue_named},
    Invariant{"replayer-told-true", "a replayer that leaves nothing has left nothing",
              replayer_told_true},
    Invariant{"tried-again", "an undo that fails is tried again", tried_again},
    Invariant{"replay-twice", "reverting again changes nothing", replay_twice},
    Invariant{"fenced-does-nothing", "a runner that was taken over changes nothing",
              fenced_does_nothing},
    Invariant{"one-writer", "one replayer a drill, and nobody else after it", one_writer},
    Invariant{"nothing-after-cleanup", "no load writes after its cleanup", nothing_after_cleanup},
    Invariant{"stop-obeyed", "nothing new is begun after a stop", stop_obeyed},
    Invariant{"stop-prompt", "a stop undoes at once", stop_prompt},
    Invariant{"stop-undoes", "a stopped drill ends with 4, or 5 with residue", stop_undoes},
    Invariant{"restore-not-cancelled", "a stop does not cancel a restore into place",
              restore_not_cancelled},
    Invariant{"stop-condition-met", "a stop condition that is met stops", stop_condition_met},
    Invariant{"probes-in-their-time", "a probe of a part of the drill was asked in that part alone",
              probes_in_their_time},
    Invariant{"steady-seen", "a steady state that held was seen to hold", steady_seen},
    Invariant{"not-started-touches-nothing", "no steady state: 3, and nothing injected",
              not_started_touches_nothing},
    Invariant{"never-stuck", "a drill never waits for nothing", never_stuck},
    Invariant{"failure-obeyed", "nothing new is begun in any lane after a step has failed",
              failure_obeyed},
    Invariant{"lanes-joined", "a parallel ends well only after all of its steps", lanes_joined},
    Invariant{"limit-kept", "never more targets under fault than limits.targets", limit_kept},
    Invariant{"approval-given",
              "nothing goes past an approval that somebody entitled has not given", approval_given},
    Invariant{"acknowledged", "what a person was to do ends well only when one says so",
              acknowledged_or_said},
    Invariant{"chain-verifies", "the journal's chain verifies", chain_verifies},
    Invariant{"closed-or-interrupted", "a verdict stands only under a closed journal",
              closed_or_interrupted},
    Invariant{"passed-proven", "never passed with a fault that is not proven", passed_proven},
    Invariant{"passed-on-time", "never passed on a load that missed its plan", passed_on_time},
    Invariant{"passed-complete", "never passed with a step that did not end well", passed_complete},
    Invariant{"passed-whole", "never passed with acknowledged data missing", passed_whole},
    Invariant{"precedence", "the exit code is the worst of the reasons", precedence},
};

}  // namespace

std::span<const Invariant> invariants() { return kInvariants; }

std::set<std::string> superseded_marks(const RehearsalTrail& evidence) {
  const auto& said = evidence.rehearsal.superseded;
  std::set<std::string> marks(said.begin(), said.end());
  for (const auto& event : evidence.events) {
    if (event.type != "superseded") continue;
    for (const auto& mark : event.data.items("deeds")) marks.insert(mark.text());
  }
  return marks;
}

bool passed(const RehearsalTrail& evidence) { return evidence.rehearsal.exit_code == 0; }

const Event* first_event(const RehearsalTrail& evidence, std::string_view type) {
  const auto found = std::ranges::find(evidence.events, type, &Event::type);
  return found == evidence.events.end() ? nullptr : &*found;
}

const Step* step_of(const RehearsalTrail& evidence, const std::string& id) {
  const auto& timeline = evidence.playbook.timeline;
  const auto found = std::ranges::find(timeline, id, &Step::id);
  return found == timeline.end() ? nullptr : &*found;
}

std::vector<Broken> broken_invariants(const Rehearsal& rehearsal, const Playbook& playbook) {
  RehearsalTrail evidence{rehearsal, playbook, {}, {}};
  evidence.events.reserve(rehearsal.journal.size());
  evidence.chain = verify_chain(rehearsal.journal,
                                [&](Event event) { evidence.events.push_back(std::move(event)); });
  std::vector<Broken> found;
  for (const auto& invariant : kInvariants) {
    std::string how = invariant.broken(evidence);
    if (!how.empty()) found.push_back({invariant.name, std::move(how)});
  }
  return found;
}

}  // namespace gameday
