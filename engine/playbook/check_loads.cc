#include "engine/playbook/check_loads.h"

#include <algorithm>
#include <cmath>

#include "engine/playbook/bounds.h"
#include "engine/playbook/check.h"

namespace gameday {
namespace {

// Until the `verify` that ends it, else to the last step.
Duration least_run(const Playbook& playbook, const LoadSpec& load) {
  Duration run{};
  const auto& timeline = playbook.timeline;
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    const auto& names = timeline[i].names;
    const bool ends =
        timeline[i].kind == StepKind::verify && std::ranges::find(names, load.name) != names.end();
    if (ends) break;
    run += least_duration(timeline, i);
  }
  return run;
}

void check_users(const Playbook& playbook, const LoadSpec& load, Problems& problems) {
  const UsersSpec& users = *load.users;
  if (users.spawn_rate == 0) return;
  const Duration all_there = from_seconds(static_cast<double>(users.users - 1) / users.spawn_rate);
  if (all_there <= least_run(playbook, load)) return;
  problems.warning(load.place, "load `" + load.name + "` has all of its " +
                                   std::to_string(users.users) + " users after " +
                                   in_words(all_there) +
                                   ", and may have ended before: it is inconclusive then");
}

void check_ledger(const Playbook& playbook, const LoadSpec& load, Problems& problems) {
  const std::string name = "load `" + load.name + "`";
  if (!load.cleanup && load.kind.empty()) {
    problems.error(load.place, name + " has a ledger and no `cleanup`: what it writes would stay");
  }
  const auto writes = playbook.limits.writes;
  const auto least = static_cast<double>(std::floor(load.curve().count(least_run(playbook, load))));
  if (writes == 0 || static_cast<double>(writes) >= least) return;
  problems.error(playbook.limits.place,
                 "`limits.writes` is " + std::to_string(writes) + ", but " + name + " sends " +
                     std::to_string(static_cast<std::int64_t>(least)) + " or more");
}

}  // namespace

void check_loads(const Playbook& playbook, Problems& problems) {
  for (const auto& load : playbook.loads) {
    if (load.users) check_users(playbook, load, problems);
    if (load.ledger) check_ledger(playbook, load, problems);
  }
}

}  // namespace gameday
