// The live part of a terminal as a pure function of the drill: what it does now, what is in force,
// what its clients see, and what Ctrl-C would do.
#pragma once

#include <string>
#include <vector>

#include "cli/line.h"
#include "cli/watched.h"
#include "engine/conductor/drill.h"

namespace gameday {

inline constexpr int kLeastColumns = 60;
inline constexpr int kLeastRows = 12;

// Lines from the top, none as wide as the terminal, fewer than it has rows: there is room for what
// scrolls above. Empty where the terminal is too small.
[[nodiscard]] std::vector<std::string> screen(const Drill& drill, const WatchedDrill& watched,
                                              Instant now, const TerminalTerms& terms);

// The load of the last seconds in one line: "checkout 200/s, 100.0 % ok, p99 4.1 ms".
[[nodiscard]] std::string load_line(const std::string& load, const std::deque<SeenWindow>& windows,
                                    std::size_t last);

}  // namespace gameday
