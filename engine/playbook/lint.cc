#include "engine/playbook/lint.h"

#include <algorithm>
#include <cmath>

#include "engine/base/text.h"
#include "engine/playbook/bounds.h"
#include "engine/playbook/production.h"

namespace gameday {
namespace {

void lint_probes(const Playbook& playbook, Problems& problems) {
  const auto& rto = playbook.objectives.rto;
  for (const auto& probe : playbook.probes) {
    if (rto && probe.every > rto->within / 3) {
      problems.warning(probe.place, "probe `" + probe.name + "` asks every " +
                                        in_words(probe.every) + ": too slow to judge an RTO of " +
                                        in_words(rto->within));
    }
    if (probe.timeout > probe.every) {
      problems.warning(probe.place, "probe `" + probe.name + "` may take longer (" +
                                        in_words(probe.timeout) + ") than it has until the next (" +
                                        in_words(probe.every) + ")");
    }
  }
}

// Each write of a load that speaks no HTTP holds a connection until it is answered.
void lint_connections(const Playbook& playbook, Problems& problems) {
  for (const auto& load : playbook.loads) {
    const auto most = load.arguments.integer("connections", 0);
    const auto needed = static_cast<std::int64_t>(std::ceil(load.rate * seconds(load.timeout)));
    if (most == 0 || most >= needed) continue;
    problems.warning(load.place, "load `" + load.name + "` writes over " + std::to_string(most) +
                                     " connections at most: where the system answers nothing for " +
                                     in_words(load.timeout) + ", " + std::to_string(needed) +
                                     " would be needed, and what waits is late by our fault");
  }
}

void lint_loads(const Playbook& playbook, Problems& problems) {
  const auto& rpo = playbook.objectives.rpo;
  if (!rpo || *rpo == Duration{}) return;
  for (const auto& load : playbook.loads) {
    if (!load.ledger) continue;
    const Duration between = from_seconds(1 / load.curve().lowest());
    if (between <= *rpo) continue;
    problems.warning(load.place, "load `" + load.name + "` writes once in " + in_words(between) +
                                     ": too slow to judge an RPO of " + in_words(*rpo));
  }
}

void lint_spoken(const Playbook& playbook, const Rows& rows, Problems& problems) {
  for (const auto& load : playbook.loads) {
    const LoadRow* row = rows.load(load.kind);
    if (row == nullptr || row->warnings == nullptr) continue;
    for (const auto& text : row->warnings(load.arguments)) {
      problems.warning(load.place, "load `" + load.name + "`: " + text);
    }
  }
}

void lint_timeline(const Playbook& playbook, Problems& problems) {
  const auto& timeline = playbook.timeline;
  const auto fault = std::ranges::find(timeline, StepKind::fault, &Step::kind);
  if (fault == timeline.end()) {
    problems.warning(timeline.front().place, "no fault: this drill breaks nothing");
    return;
  }
  const auto steady = std::ranges::find(timeline, StepKind::steady_state, &Step::kind);
  if (steady > fault) {
    problems.warning(fault->place,
                     "no steady state before the first fault: what it breaks may "
                     "have been broken before");
  }
  if (playbook.probes.empty() && playbook.loads.empty()) {
    problems.warning(fault->place, "neither a probe nor a load watches fault `" + fault->id + "`");
  }
}

// The facets of targets that the fault can hit, under whichever of its names.
std::vector<std::string_view> facets_of(const Rows& rows, std::string_view fault) {
  std::vector<std::string_view> facets;
  for (const FaultRow* row : rows.faults) {
    if (row->name != fault && row->as != fault) continue;
    facets.push_back(row->facet);
    if (row->other_way != nullptr) facets.push_back(row->other_way->facet);
  }
  return facets;
}

// A region's links are what is hit where it has any, else its containers: what its other targets
// send goes on.
void lint_regions(const Playbook& playbook, const Rows& rows, Problems& problems) {
  for (const auto& step : playbook.timeline) {
    const auto region = step.arguments.text("region");
    const FaultRow* hit = step.kind == StepKind::fault ? rows.fault(step.fault) : nullptr;
    if (hit == nullptr || region.empty()) continue;
    const std::string are =
        hit->facet == "link" ? "links" : "targets with `" + std::string(hit->facet) + "`";
    for (const auto facet : facets_of(rows, hit->as.empty() ? hit->name : hit->as)) {
      const auto names = names_in(playbook.system, region, facet);
      if (facet.empty() || facet == "link" || facet == hit->facet || names.empty()) continue;
      problems.warning(step.place, "region `" + region + "` has " + are +
                                       ", which alone are hit: what " + join(names, ", ") + " (`" +
                                       std::string(facet) + "`) sends beside them goes on");
    }
  }
}

}  // namespace

void lint_playbook(const Playbook& playbook, const Rows& rows, Problems& problems) {
  lint_regions(playbook, rows, problems);
  lint_probes(playbook, problems);
  lint_loads(playbook, problems);
  lint_connections(playbook, problems);
  lint_spoken(playbook, rows, problems);
  if (!playbook.timeline.empty()) lint_timeline(playbook, problems);
  if (playbook.environment != kProduction) return;
  problems.warning({1, 1}, "environment is production: run asks for --confirm " + playbook.name +
                               " and --plan sha256:...");
  for (const auto& lack : lacking_for_production(playbook)) {
    problems.warning({1, 1}, "environment is production: " + lack);
  }
}

}  // namespace gameday
