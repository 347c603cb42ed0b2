// The phases of a drill and which may follow which. The table is checked when it is compiled: from
// any phase in which something can be injected, the drill cannot close without passing `reverting`.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace gameday {

enum class Phase : std::size_t {
  starting,   // the system is brought up, or found up
  loading,    // probes and load start
  running,    // the timeline
  reverting,  // every open fault is undone and looked at
  settling,   // the steady state must come back
  verifying,  // loads end, queues drain, ledgers are read back
  cleaning,   // what the load wrote is deleted
  closing,    // private files erased, the system stopped if the drill started it
  closed
};
inline constexpr std::size_t kPhases = 9;

[[nodiscard]] constexpr std::string_view name_of(Phase phase) {
  constexpr std::array<std::string_view, kPhases> kNames = {"starting",  "loading",  "running",
                                                            "reverting", "settling", "verifying",
                                                            "cleaning",  "closing",  "closed"};
  return kNames[static_cast<std::size_t>(phase)];
}

namespace phase_table {

using Row = std::array<bool, kPhases>;

// The row says which phases may follow. No phase is skipped forwards once load may run.
inline constexpr std::array<Row, kPhases> kMayFollow = {{
    // starting loading running reverting settling verifying cleaning closing closed
    {false, true, false, false, false, false, false, true, false},   // starting
    {false, false, true, true, false, false, false, false, false},   // loading
    {false, false, false, true, false, false, false, false, false},  // running
    {false, false, false, false, true, true, false, false, false},   // reverting
    {false, false, false, false, false, true, false, false, false},  // settling
    {false, false, false, false, false, false, true, false, false},  // verifying
    {false, false, false, false, false, false, false, true, false},  // cleaning
    {false, false, false, false, false, false, false, false, true},  // closing
    {false, false, false, false, false, false, false, false, false}  // closed
}};

// Can `to` be reached from `from` without passing `avoided`?
[[nodiscard]] constexpr bool reaches(Phase from, Phase to, Phase avoided) {
  std::array<bool, kPhases> seen{};
  seen[static_cast<std::size_t>(from)] = true;
  for (std::size_t round = 0; round < kPhases; ++round) {
    for (std::size_t a = 0; a < kPhases; ++a) {
      if (!seen[a] || a == static_cast<std::size_t>(avoided)) continue;
      for (std::size_t b = 0; b < kPhases; ++b) seen[b] = seen[b] || kMayFollow[a][b];
    }
  }
  return seen[static_cast<std::size_t>(to)];
}

static_assert(!reaches(Phase::running, Phase::closed, Phase::reverting),
              "a path leaves a fault behind");
static_assert(!reaches(Phase::loading, Phase::closed, Phase::cleaning),
              "a path leaves what the load wrote");
static_assert(reaches(Phase::running, Phase::closed, Phase::starting), "a drill can close");
static_assert(reaches(Phase::starting, Phase::closed, Phase::running), "a drill can close early");

}  // namespace phase_table

[[nodiscard]] constexpr bool may_follow(Phase from, Phase to) {
  return phase_table::kMayFollow[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

}  // namespace gameday
