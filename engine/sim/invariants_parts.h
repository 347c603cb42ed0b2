// The invariants by subject; internal to invariants.cc. Each returns what breaks it, or nothing.
#pragma once

#include <set>

#include "engine/sim/invariants.h"

namespace gameday {

// What the journal and the drill say was closed by a restore, and what they name as left.
[[nodiscard]] std::set<std::string> superseded_marks(const Evidence& evidence);
[[nodiscard]] bool passed(const Evidence& evidence);
[[nodiscard]] const Event* first_event(const Evidence& evidence, std::string_view type);

// invariants_undoing.cc
[[nodiscard]] std::string nothing_left(const Evidence& evidence);
[[nodiscard]] std::string undo_before_deed(const Evidence& evidence);
[[nodiscard]] std::string newest_first(const Evidence& evidence);
[[nodiscard]] std::string proven_gone(const Evidence& evidence);
[[nodiscard]] std::string superseded_not_replayed(const Evidence& evidence);
[[nodiscard]] std::string copy_kept(const Evidence& evidence);
[[nodiscard]] std::string residue_named(const Evidence& evidence);
[[nodiscard]] std::string tried_again(const Evidence& evidence);
[[nodiscard]] std::string replay_twice(const Evidence& evidence);
[[nodiscard]] std::string fenced_does_nothing(const Evidence& evidence);
[[nodiscard]] std::string one_writer(const Evidence& evidence);
[[nodiscard]] std::string nothing_after_cleanup(const Evidence& evidence);

// invariants_course.cc
[[nodiscard]] std::string stop_obeyed(const Evidence& evidence);
[[nodiscard]] std::string stop_prompt(const Evidence& evidence);
[[nodiscard]] std::string stop_undoes(const Evidence& evidence);
[[nodiscard]] std::string restore_not_cancelled(const Evidence& evidence);
[[nodiscard]] std::string stop_condition_met(const Evidence& evidence);
[[nodiscard]] std::string steady_seen(const Evidence& evidence);
[[nodiscard]] std::string not_started_touches_nothing(const Evidence& evidence);
[[nodiscard]] std::string never_stuck(const Evidence& evidence);

// invariants_verdict.cc
[[nodiscard]] std::string no_defect(const Evidence& evidence);
[[nodiscard]] std::string chain_verifies(const Evidence& evidence);
[[nodiscard]] std::string closed_or_interrupted(const Evidence& evidence);
[[nodiscard]] std::string passed_proven(const Evidence& evidence);
[[nodiscard]] std::string passed_on_time(const Evidence& evidence);
[[nodiscard]] std::string passed_complete(const Evidence& evidence);
[[nodiscard]] std::string passed_whole(const Evidence& evidence);
[[nodiscard]] std::string precedence(const Evidence& evidence);

}  // namespace gameday
