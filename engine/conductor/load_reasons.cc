#include "engine/conductor/load_reasons.h"

#include <algorithm>

namespace gameday {
namespace {

// A phase in which an objective on the load is judged.
bool counted(const Objectives& objectives, const std::string& phase) {
  const bool success = objectives.success_rate && objectives.success_rate->during == phase;
  return success || std::ranges::any_of(objectives.latencies, [&](const auto& latency) {
           return latency.during == phase;
         });
}

// It cannot be judged by due times whether a closed loop was what the playbook asked for: what
// counts is that its users were there. That none of them was kept waiting by us is in the lateness.
void add_users_reasons(const LoadSummary& load, std::vector<Reason>& reasons) {
  if (!load.users) return;
  const auto& [users, spawned, gap] = *load.users;
  const auto due = std::ranges::any_of(load.phases, [](const auto& p) { return p.due > 0; });
  if (!due) reasons.push_back({6, "load " + load.load + " missed its plan: nobody asked anything"});
  if (spawned >= users) return;
  reasons.push_back({6, "load " + load.load + " missed its plan: " + std::to_string(spawned) +
                            " of its " + std::to_string(users) + " users were there by its end"});
}

}  // namespace

// A load that was not sent on time was not that load, in any phase. Marked windows leave latency
// alone; they matter where an objective counts them. That the clock spoilt them is said in any
// case.
void add_load_reasons(const Drill& drill, std::vector<Reason>& reasons) {
  for (const auto& load : drill.loads) {
    if (!load.invalid.empty()) {
      reasons.push_back({6, "load " + load.load + " does not count: " + load.invalid});
      continue;
    }
    add_users_reasons(load, reasons);
    const bool jumped = load.clock_jumps > 0;
    for (const auto& phase : load.phases) {
      const bool late = phase.late * 20 > phase.due;
      const bool matters = late || counted(drill.plan.playbook->objectives, phase.phase);
      if (phase.valid || !(matters || jumped)) continue;
      reasons.push_back({matters ? 6 : 0,
                         "load " + load.load + " missed its plan in phase " + phase.phase + ": " +
                             std::to_string(phase.late) + " of " + std::to_string(phase.due) +
                             " late, " + std::to_string(phase.marked) + " of " +
                             std::to_string(phase.windows) + " windows marked" +
                             (jumped ? ", some of them because the clock was set" : "")});
    }
  }
}

}  // namespace gameday
