// What is always true of the targets' data: read before anything is touched, and when the drill
// verifies. What a restore brings back is looked at by the restore itself.
#include "engine/playbook/invariants.h"

#include "engine/conductor/turn.h"

namespace gameday {
namespace {

using Seen = std::vector<InvariantSeen>;

// All of them, where reading them came to no answer at all.
Seen seen_in(const Done& done, const System& system) {
  if (const auto* seen = std::get_if<Seen>(&done.value)) return *seen;
  Seen unread;
  for (const InvariantSpec& one : invariants_of(system)) {
    unread.push_back({.target = one.target,
                      .name = one.name,
                      .must = one.is,
                      .value = {},
                      .problem = done.status ? "no answer" : done.status.error().text});
  }
  return unread;
}

}  // namespace

Duration invariants_take(const System& system) {
  constexpr Duration kBesides = std::chrono::seconds(5);
  Duration all = kBesides;
  for (const InvariantSpec& one : invariants_of(system)) all += one.timeout;
  return all;
}

void Turn::read_invariants() {
  Task task;
  task.op = Op::invariants;
  task.deadline = now_.boot + invariants_take(d.plan.playbook->system);
  run(std::move(task));
}

// What does not hold now could not show what the drill has broken.
void Turn::invariants_begun(const Done& done) {
  if (d.stop) return close();
  d.begun = InvariantsNote{"", seen_in(done, d.plan.playbook->system)};
  for (const InvariantSeen& seen : d.begun->seen) {
    if (!seen.holds) reason(3, shown(seen));
  }
  if (!all_hold(d.begun->seen)) return close();
  enter(Phase::loading);
  start_next_load();
}

void Turn::look_at_invariants() {
  if (!d.begun) return verify_over();
  read_invariants();
}

void Turn::invariants_verified(const Done& done) {
  d.verified = InvariantsNote{d.phase == Phase::running ? lane_step().id : "",
                              seen_in(done, d.plan.playbook->system)};
  verify_over();
}

Json invariants_json(const Drill& drill) {
  Json list = Json::array();
  const auto add = [&](std::string_view at, const std::string& step, const Seen& all) {
    for (const auto& seen : all) {
      list.push(to_json(seen).set("at", at).set("step", step.empty() ? Json() : Json(step)));
    }
  };
  if (drill.begun) add("begin", "", drill.begun->seen);
  for (const auto& restore : drill.restores) {
    add("restore", restore.step_id, restore.restored.invariants);
  }
  if (drill.verified) add("verify", drill.verified->step_id, drill.verified->seen);
  return list;
}

void add_invariant_reasons(const Drill& drill, std::vector<Reason>& reasons) {
  if (!drill.verified) return;
  for (const InvariantSeen& seen : drill.verified->seen) {
    if (!seen.holds) reasons.push_back({seen.problem.empty() ? 1 : 6, shown(seen)});
  }
}

}  // namespace gameday
