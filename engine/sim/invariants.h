// The promises of the design, each as a question about a finished rehearsal: its journal, what the
// simulated system knows, and what the drill said of itself. Pure; asks nothing of the conductor.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/journal/chain.h"
#include "engine/sim/rehearsal.h"

namespace gameday {

struct RehearsalTrail {  // a rehearsal with its journal read
  const Rehearsal& rehearsal;
  const Playbook& playbook;
  std::vector<Event> events;
  ChainState chain;
};

struct Invariant {
  std::string_view name;
  std::string_view promise;
  // What breaks it; empty where it holds.
  std::string (*broken)(const RehearsalTrail& evidence);
};
[[nodiscard]] std::span<const Invariant> invariants();

struct Broken {
  std::string_view invariant;
  std::string how;
};
// All that are broken, in the order of invariants().
[[nodiscard]] std::vector<Broken> broken_invariants(const Rehearsal& rehearsal,
                                                    const Playbook& playbook);

}  // namespace gameday
