#include "engine/playbook/check_probes.h"

#include <algorithm>

namespace gameday {
namespace {

std::string asked(const ProbeSpec& probe) {
  return "probe `" + probe.name + "` is asked only while a " +
         (probe.during == During::edge ? "steady state is waited for" : "fault is in force");
}

// What the timeline lacks for it to be asked at all; empty: nothing.
std::string missing(const ProbeSpec& probe, const std::vector<Step>& timeline) {
  const auto has = [&](StepKind kind) {
    return std::ranges::find(timeline, kind, &Step::kind) != timeline.end();
  };
  if (probe.during == During::edge && !has(StepKind::steady_state)) return "steady_state";
  if (probe.during == During::fault && !has(StepKind::fault)) return "fault";
  return "";
}

void check_steady_states(const Playbook& playbook, Problems& problems) {
  bool first = true;
  for (const auto& step : playbook.timeline) {
    if (step.kind != StepKind::steady_state) continue;
    if (first && step.within <= step.steady_for) {
      problems.error(step.place,
                     "`steady_state.within` is as short as `for`: it could never be met, because "
                     "the first success comes later than the step's start");
    }
    first = false;
    for (const auto& name : step.names) {
      const ProbeSpec* probe = playbook.probe(name);
      if (probe == nullptr || probe->during != During::fault) continue;
      problems.error(step.place, asked(*probe) + ": this step would wait for it in vain");
    }
  }
}

}  // namespace

void check_probes(const Playbook& playbook, Problems& problems) {
  for (const auto& probe : playbook.probes) {
    const std::string lacks = missing(probe, playbook.timeline);
    if (lacks.empty()) continue;
    problems.error(probe.place, asked(probe) + ", and the timeline has no `" + lacks + "`");
  }
  check_steady_states(playbook, problems);
  for (const auto& stop : playbook.limits.stop_when) {
    const ProbeSpec* probe = playbook.probe(stop.probe);
    if (probe == nullptr || probe->during != During::edge) continue;
    problems.error(playbook.limits.place,
                   asked(*probe) + ": `stop_when` would hear nothing of it during a fault");
  }
  const auto& rto = playbook.objectives.rto;
  const ProbeSpec* judge = rto ? playbook.probe(rto->from) : nullptr;
  if (judge == nullptr || judge->during == During::always) return;
  problems.error(playbook.objectives.place,
                 asked(*judge) + ": an RTO is judged by one that is asked always");
}

}  // namespace gameday
