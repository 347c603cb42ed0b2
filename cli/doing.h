// What a drill is doing right now, in words: its steps that run, what comes back after them, and
// how long that still takes. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/watched.h"
#include "engine/conductor/drill.h"

namespace gameday {

struct Doing {
  std::string what;                // "fault-2  kill west"
  std::string state;               // "held", "proving"
  std::optional<double> fraction;  // of what it will take, where that is known
  std::string time;                // "3.1s of 5s, 1.9s left"; "at most 1m52s"
};

// One of each step that runs; after the timeline, what its end waits for.
[[nodiscard]] std::vector<Doing> doing(const Drill& drill, const WatchedDrill& watched,
                                       Instant now);

// How many steps have begun.
[[nodiscard]] std::size_t steps_begun(const Drill& drill);

// The least time until the drill is closed.
[[nodiscard]] Duration least_left(const Drill& drill, const WatchedDrill& watched, Instant now);

// What Ctrl-C does now.
[[nodiscard]] std::string what_a_stop_does(const Drill& drill);

// For people, in whole or tenths of a second.
[[nodiscard]] std::string brief(Duration d);
// "2 faults", "1 fault".
[[nodiscard]] std::string counted(std::size_t count, std::string_view what);

[[nodiscard]] const PlannedStep* planned_step(const Drill& drill, std::string_view id);

}  // namespace gameday
