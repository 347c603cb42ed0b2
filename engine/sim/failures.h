// What fails in a rehearsal besides the faults that the playbook asks for: gameday's own parts and
// the parts of the system that it relies on. Plain data, drawn from the seed; a rehearsal without
// any is a drill in which everything works.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/playbook/playbook.h"
#include "engine/rows.h"

namespace gameday {

enum class DeedFailure {
  none,
  not_prepared,   // the target is not there when its prior state is read
  half_done,      // injecting fails after half of it was done
  refused,        // injecting fails, and nothing was done
  late,           // no answer by the deadline; what was asked for arrives after it
  hangs,          // injecting never returns, not even after a stop
  does_not_bite,  // injecting says yes and does nothing
  ends_early,     // a lease ends by itself while the fault is held
  target_vanishes
};
enum class PeopleFailure {
  none,
  silent,          // nobody ever answers
  refuse,          // what is to be approved is refused, and nothing is acknowledged
  operator_alone,  // nobody but the operator answers
  twice            // each answers twice, and to steps that do not ask
};
enum class BackupFailure { none, fails, corrupt, vacuous };

struct Failures {
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  static constexpr int kAlways = 1'000'000;

  // At somebody's own durable append of that number, just before it or just after it.
  struct Death {
    std::uint64_t at = kNever;
    bool before = false;
  };
  struct Freeze {
    std::uint64_t at = kNever;
    Duration lasts{};
    bool outlives_guardian = false;  // nobody could end it, and it wakes up
  };
  struct Jump {  // of UTC; the boot clock knows nothing of it
    Duration after{};
    Duration by{};
  };
  struct Span {
    Duration after{};
    Duration lasts{};
  };

  std::uint64_t disk_full_from = kNever;
  std::uint64_t reserve_events = 80;
  std::optional<std::size_t> runner_dies_in;  // this deed, while it is being injected
  Death runner, guardian, revert;             // of the replayers: while they replay
  bool guardian_dies_too = false;             // with the runner, before it has undone anything
  std::uint64_t guardian_dies_at = kNever;    // alone, at that append of the runner's
  Freeze freeze;
  std::vector<std::uint64_t> stops;  // a person asks, at these durable appends
  // and while this deed is done, or undone
  std::optional<std::size_t> stop_in_deed, stop_in_undo;

  std::size_t failing_deed = 0;  // which one, in order of preparing, loads among them
  DeedFailure deed = DeedFailure::none;
  bool next_deed_too = false;    // and the one that is prepared after it
  std::size_t failing_undo = 0;  // the same
  int undo_fails = 0;            // so many times
  int undo_lies = 0;             // says yes and does nothing, so many times

  std::optional<Span> probe_hangs;
  std::optional<Span> load_lags;
  std::optional<Span> system_down;  // whatever the faults do
  std::optional<Jump> jump;
  bool system_does_not_start = false;
  bool stays_down = false;  // what a fault breaks stays broken until it is undone
  PeopleFailure people = PeopleFailure::none;
  BackupFailure backup = BackupFailure::none;
  bool queue_sticks = false;                      // it takes messages and never delivers them
  Duration queue_keeps = std::chrono::hours(24);  // for a replay
  int loses_writes = 0;                           // acknowledged ones that never get to the store
  int corrupts_writes = 0;
  std::string told;  // all of them, for whoever looks at a seed
};

// None to three of them.
[[nodiscard]] Failures draw_failures(Random& random, const Playbook& playbook, const Rows& rows);

}  // namespace gameday
