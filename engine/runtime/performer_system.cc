// The performer's system: its links and itself brought up before the first step, its targets found,
// and all of it stopped again where this drill started it.
#include <algorithm>

#include "engine/not_known.h"
#include "engine/playbook/invariants.h"
#include "engine/proxy/client.h"
#include "engine/runtime/identity.h"
#include "engine/runtime/performer.h"
#include "engine/runtime/survey.h"

namespace gameday {
namespace {

// How long to look at one target: one that drips its answer is not there.
constexpr Duration kLooksWithin = std::chrono::seconds(5);
// For one step's rights: some are found out by programs that take seconds to start, as rabbitmqctl.
constexpr Duration kRightsWithin = std::chrono::seconds(20);

// What cannot be told before it is done keeps nothing from beginning.
Status unless_known(const Status& may) { return may || is_not_known(may.error()) ? Status() : may; }

ProxyLink proxy_of(const Link& link) { return {link.name, link.listen, link.to}; }

}  // namespace

bool Performer::ready(const Until& until) {
  const auto& system = terms_.playbook->system;
  const ProbeSpec* probe = terms_.playbook->probe(system.ready);
  if (probe == nullptr) return true;
  const ProbeRow* row = terms_.rows.probe(probe->kind);
  if (row == nullptr) return false;
  const Instant deadline = std::min(until.deadline, terms_.doors.clock.in(probe->timeout));
  return asked(*row, probe->arguments, context(terms_.drill, {until.stop, deadline})).ok;
}

Status Performer::run_command(const std::vector<std::string>& argv, const Until& until) {
  auto ended = terms_.doors.processes.run({argv, terms_.playbook->folder, {}}, until);
  if (!ended) return std::unexpected(ended.error().in(argv.front()));
  if (ended->succeeded()) return {};
  const bool signalled = ended->how == Ended::How::signalled;
  return fail(ErrorCode::failed, argv.front() +
                                     (signalled ? " was ended by signal " : " exited with ") +
                                     std::to_string(ended->code) + ": " + ended->output);
}

Status Performer::bring_up(const Until& until, bool* started) {
  const auto& system = terms_.playbook->system;
  for (const auto& link : system.links) {
    const auto found = find_proxy(proxy_of(link), terms_.doors.clock, until);
    if (!found && found.error().code != ErrorCode::not_found) {
      return std::unexpected(found.error().in("link " + link.name));
    }
    if (found) continue;
    const auto proxy = start_proxy(proxy_of(link), terms_.executable, terms_.doors, until);
    if (!proxy) return std::unexpected(proxy.error().in("link " + link.name));
    proxies_started_.insert(link.name);
    *started = true;
  }
  if (ready(until)) return {};
  if (system.start.empty()) {
    return fail(ErrorCode::failed, "the system is not ready: probe " + system.ready +
                                       " does not hold, and it has no `start`");
  }
  *started = system_started_ = true;
  TRY_OK(run_command(system.start, until));
  while (!ready(until)) {
    if (auto paused = terms_.doors.clock.pause(std::chrono::milliseconds(100), until); !paused) {
      return fail(paused.error().code, "the system was started, but is not ready: probe " +
                                           system.ready + " does not hold");
    }
  }
  return {};
}

Result<std::vector<Instance>> Performer::resolve(const Until& until) {
  std::vector<Instance> found;
  const auto& system = terms_.playbook->system;
  const auto look = [&](Duration within = kLooksWithin) {
    const Instant patience = terms_.doors.clock.in(within);
    return context(terms_.drill, {until.stop, std::min(until.deadline, patience)});
  };
  for (const auto& target : system.targets) {
    if (!target.facets.is_object()) continue;
    std::vector<FacetFound> facets;
    for (const auto& [name, arguments] : target.facets.members()) {
      const FacetRow* row = terms_.rows.facet(name);
      if (row == nullptr || row->resolve == nullptr) continue;
      auto instance = row->resolve(target, look());
      if (!instance) return std::unexpected(instance.error().in("target " + target.name));
      found.push_back(*instance);
      facets.push_back({row, std::move(*instance)});
    }
    TRY_OK(is_what_it_must_be(target, facets));
    const std::lock_guard lock(mutex_);
    must_be_[target.name] = must_be(target, facets);
  }
  for (const auto& link : system.links) {
    found.push_back({link.name, "link " + link.listen + " -> " + link.to, "link:" + link.listen,
                     Json::object()});
  }
  for (const auto& step : terms_.playbook->timeline) {
    // What cannot be looked at yet may be there when the step begins.
    const auto other = survey_step(step, terms_.rows, look(kRightsWithin));
    if (other && !other->held && is_known(other->held)) {
      return std::unexpected(other->held.error());
    }
    const FaultRow* row = step.kind == StepKind::fault ? terms_.rows.fault(step.fault) : nullptr;
    if (row == nullptr) continue;
    // Found out now, and not when half of the timeline is done.
    TRY_OK(unless_known(may_inject(step, *row, terms_.rows, look(kRightsWithin))));
    if (row->facet.empty()) found.push_back(instance_of(*row, step.arguments));
  }
  for (const auto& load : terms_.playbook->loads) {
    const Status may = unless_known(may_load(load, terms_.rows, look(kRightsWithin)));
    if (!may) return std::unexpected(may.error().in("load " + load.name));
  }
  return found;
}

Done Performer::system_start(const Task& task, const Until& until) {
  Done done{task.id, {}, {}};
  SystemUp up;
  done.status = bring_up(until, &up.started_here);
  if (done.status) {
    auto instances = resolve(until);
    const auto may = instances && terms_.may_use ? terms_.may_use(*instances) : Status();
    if (!may) {
      done.status = may;
    } else if (instances) {
      up.instances = std::move(*instances);
    } else {
      done.status = std::unexpected(instances.error());
    }
  }
  done.value = std::move(up);
  return done;
}

// The first time they are what all later readings are held against.
Done Performer::read_invariants(const Task& task, const Until& until) {
  std::vector<InvariantSeen> all;
  const auto here = context(terms_.drill, until);
  for (const auto& target : terms_.playbook->system.targets) {
    for (const FacetRow* row : terms_.rows.facets) {
      if (row->value_of == nullptr || target.facets.find(row->name) == nullptr) continue;
      const auto ask = [&](const std::string& sql, const DeedContext& asked_in) {
        return row->value_of(target, sql, asked_in);
      };
      std::ranges::move(gameday::read_invariants(target, row->name, ask, here, !begun_),
                        std::back_inserter(all));
    }
  }
  if (!begun_) begun_ = all;
  return {task.id, {}, std::move(all)};
}

Done Performer::system_stop(const Task& task, const Until& until) {
  Done done{task.id, {}, {}};
  const auto& system = terms_.playbook->system;
  // A system that was up before, behind a proxy that was not, stays up.
  if (system_started_ && !system.stop.empty()) done.status = run_command(system.stop, until);
  for (const auto& link : system.links) {
    if (!system_started_ && !proxies_started_.contains(link.name)) continue;
    const auto path = proxy_control_path(link.listen);
    if (!path) continue;
    const auto asked =
        ask_proxy(*path, Json::object({{"op", "shutdown"}}), terms_.doors.clock, until);
    const bool gone = !asked && asked.error().code == ErrorCode::not_found;
    if (!asked && !gone && done.status) done.status = std::unexpected(asked.error());
  }
  return done;
}

}  // namespace gameday
