// The invariants by subject; internal to invariants.cc. Each returns what breaks it, or nothing.
#pragma once

#include <set>

#include "engine/sim/invariants.h"

namespace gameday {

// What the journal and the drill say was closed by a restore, and what they name as left.
[[nodiscard]] std::set<std::string> superseded_marks(const RehearsalTrail& evidence);
[[nodiscard]] bool passed(const RehearsalTrail& evidence);
[[nodiscard]] const Event* first_event(const RehearsalTrail& evidence, std::string_view type);
// Of the playbook's timeline, or none.
[[nodiscard]] const Step* step_of(const RehearsalTrail& evidence, const std::string& id);

// invariants_undoing.cc
[[nodiscard]] std::string nothing_left(const RehearsalTrail& evidence);
[[nodiscard]] std::string undo_before_deed(const RehearsalTrail& evidence);
[[nodiscard]] std::string newest_first(const RehearsalTrail& evidence);
[[nodiscard]] std::string proven_gone(const RehearsalTrail& evidence);
[[nodiscard]] std::string superseded_not_replayed(const RehearsalTrail& evidence);
[[nodiscard]] std::string copy_kept(const RehearsalTrail& evidence);
[[nodiscard]] std::string residue_named(const RehearsalTrail& evidence);
[[nodiscard]] std::string replayer_told_true(const RehearsalTrail& evidence);
[[nodiscard]] std::string tried_again(const RehearsalTrail& evidence);
[[nodiscard]] std::string replay_twice(const RehearsalTrail& evidence);
[[nodiscard]] std::string fenced_does_nothing(const RehearsalTrail& evidence);
[[nodiscard]] std::string one_writer(const RehearsalTrail& evidence);
[[nodiscard]] std::string nothing_after_cleanup(const RehearsalTrail& evidence);

// invariants_course.cc
[[nodiscard]] std::string stop_obeyed(const RehearsalTrail& evidence);
[[nodiscard]] std::string stop_prompt(const RehearsalTrail& evidence);
[[nodiscard]] std::string stop_undoes(const RehearsalTrail& evidence);
[[nodiscard]] std::string restore_not_cancelled(const RehearsalTrail& evidence);
[[nodiscard]] std::string stop_condition_met(const RehearsalTrail& evidence);
[[nodiscard]] std::string probes_in_their_time(const RehearsalTrail& evidence);
[[nodiscard]] std::string steady_seen(const RehearsalTrail& evidence);
[[nodiscard]] std::string not_started_touches_nothing(const RehearsalTrail& evidence);
[[nodiscard]] std::string never_stuck(const RehearsalTrail& evidence);

// invariants_lanes.cc
[[nodiscard]] std::string failure_obeyed(const RehearsalTrail& evidence);
[[nodiscard]] std::string lanes_joined(const RehearsalTrail& evidence);
[[nodiscard]] std::string limit_kept(const RehearsalTrail& evidence);
[[nodiscard]] std::string approval_given(const RehearsalTrail& evidence);
[[nodiscard]] std::string acknowledged_or_said(const RehearsalTrail& evidence);

// invariants_verdict.cc
[[nodiscard]] std::string no_defect(const RehearsalTrail& evidence);
[[nodiscard]] std::string chain_verifies(const RehearsalTrail& evidence);
[[nodiscard]] std::string closed_or_interrupted(const RehearsalTrail& evidence);
[[nodiscard]] std::string passed_proven(const RehearsalTrail& evidence);
[[nodiscard]] std::string passed_on_time(const RehearsalTrail& evidence);
[[nodiscard]] std::string passed_complete(const RehearsalTrail& evidence);
[[nodiscard]] std::string passed_whole(const RehearsalTrail& evidence);
[[nodiscard]] std::string precedence(const RehearsalTrail& evidence);

}  // namespace gameday
