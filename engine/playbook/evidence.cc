#include "engine/playbook/evidence.h"

#include <algorithm>

namespace gameday {

bool is_evidence_alone(const ProbeSpec& probe, const Playbook& playbook) {
  const auto waits_for_it = [&](const Step& step) {
    return step.kind == StepKind::steady_state &&
           std::ranges::find(step.names, probe.name) != step.names.end();
  };
  const auto& stops = playbook.limits.stop_when;
  const auto& rto = playbook.objectives.rto;
  const bool goes_by_it =
      std::ranges::any_of(playbook.timeline, waits_for_it) ||
      std::ranges::find(stops, probe.name, &StopCondition::probe) != stops.end() ||
      (rto && rto->from == probe.name) || playbook.system.ready == probe.name;
  return !probe.evidence_for.empty() && !goes_by_it;
}

}  // namespace gameday
