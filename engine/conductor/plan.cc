#include "engine/conductor/plan.h"

#include <algorithm>

#include "engine/base/units.h"
#include "engine/load/answer_checks.h"
#include "engine/load/summary.h"
#include "engine/load/transport.h"
#include "engine/playbook/data_table.h"
#include "engine/playbook/evidence.h"
#include "engine/playbook/invariants.h"
#include "engine/playbook/load_shape.h"

namespace gameday {
namespace {

Status plan_fault(PlannedStep& planned, const Playbook& playbook, const Rows& rows) {
  const Step& step = planned.step;
  const FaultRow* row = rows.fault(step.fault);
  if (row == nullptr) return fail(ErrorCode::invalid, "no fault is called " + step.fault);
  planned.deed = {step.id, step.fault, hit_by(*row, step), step.arguments};
  // For what must end by itself where nobody can end it any more.
  planned.deed.arguments.set("lasts_s", seconds(step.hold.value_or(playbook.limits.duration)));
  planned.reversal = row->reversal;
  planned.effect = row->effect;
  planned.holds_data = row->holds_data;
  planned.may_end_early = may_end_early(*row, step);
  planned.comes_back = row->comes_back;
  const std::string region = step.arguments.text("region");
  planned.targets = names_hit(playbook.system, *row, step);
  if (planned.targets.empty()) {
    return fail(ErrorCode::not_found, "step " + step.id + ": nothing in region " + region +
                                          " can be the target of " + step.fault);
  }
  return {};
}

void plan_restore(PlannedStep& planned, const Playbook& playbook, const Rows& rows) {
  const Step& step = planned.step;
  const Target* target = playbook.system.target(step.target);
  const RestoreRow* row = target != nullptr ? rows.restore_of(*target) : nullptr;
  planned.targets = {step.target};
  planned.deed = {step.id, "restore", step.target, step.arguments};
  if (step.into_place) {
    planned.deed.arguments.set("into", "place");
    const std::string place = row != nullptr ? place_of(*row, *target) : step.target;
    if (place != step.target) planned.targets.push_back(place);
  }
  planned.scratch_deed = !step.into_place && row != nullptr && row->prepare_scratch != nullptr;
  planned.reversal = planned.scratch_deed ? Reversal::exact : Reversal::saved_copy;
  planned.holds_data = !planned.scratch_deed;
}

void plan_action(PlannedStep& planned, const Playbook& playbook) {
  const Step& step = planned.step;
  planned.deed = {step.id, "action", step.target, step.arguments, step.action};
  // Its commands run there.
  planned.deed.arguments.set("folder", playbook.folder);
}

}  // namespace

std::string Plan::place_of(const std::string& target) const {
  const auto restore = std::ranges::find_if(steps, [&](const PlannedStep& planned) {
    const Step& step = planned.step;
    return step.kind == StepKind::restore && step.into_place && step.target == target;
  });
  return restore != steps.end() ? restore->targets.back() : target;
}

Duration Plan::hold() const {
  if (playbook->objectives.rto && playbook->objectives.rto->hold) {
    return *playbook->objectives.rto->hold;
  }
  const Step* steady = last_steady_state();
  return steady != nullptr ? steady->steady_for : std::chrono::seconds(5);
}

const Step* Plan::last_steady_state() const {
  const Step* last = nullptr;
  for (const auto& planned : steps) {
    if (planned.step.kind == StepKind::steady_state) last = &planned.step;
  }
  return last;
}

Result<Plan> make_plan(std::shared_ptr<const Playbook> playbook, const Rows& rows,
                       std::string drill, std::uint64_t seed,
                       const std::vector<Instance>& instances) {
  Plan plan{std::move(drill), seed, "", -1, "", playbook, {}, {}, {}};
  for (const auto& step : playbook->timeline) {
    PlannedStep planned;
    planned.step = step;
    if (step.kind == StepKind::fault) TRY_OK(plan_fault(planned, *playbook, rows));
    if (step.kind == StepKind::restore) plan_restore(planned, *playbook, rows);
    if (step.kind == StepKind::action) plan_action(planned, *playbook);
    for (const auto& name : planned.targets) {
      const auto found = std::ranges::find(instances, name, &Instance::target);
      if (found != instances.end()) planned.instances.push_back(*found);
    }
    plan.steps.push_back(std::move(planned));
  }
  for (const auto& instance : instances) plan.identities.push_back(instance.identity);
  std::ranges::sort(plan.identities);
  const auto doubles = std::ranges::unique(plan.identities);
  plan.identities.erase(doubles.begin(), doubles.end());
  for (const auto& target : playbook->system.targets) {
    // One that a load is read back from keeps that load's messages until then.
    const bool read_back = std::ranges::any_of(plan.playbook->loads, [&](const LoadSpec& load) {
      return load.ledger && load.arguments.text("connection") == target.name;
    });
    if (rows.queue_of(target) != nullptr && !read_back) plan.queues.push_back(target.name);
  }
  return plan;
}

namespace {

Json names_json(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const auto& name : names) list.push(name);
  return list;
}

Json step_json(const PlannedStep& planned, const Rows& rows) {
  const Step& step = planned.step;
  Json out = Json::object({{"id", step.id}, {"step", name_of(step.kind)}});
  if (!planned.targets.empty()) out.set("targets", names_json(planned.targets));
  if (!step.names.empty()) out.set("names", names_json(step.names));
  if (step.kind == StepKind::fault) {
    const FaultRow* row = rows.fault(step.fault);
    out.set("fault", step.fault).set("summary", row != nullptr ? row->summary : "");
    out.set("reversal", name_of(planned.reversal)).set("arguments", step.arguments);
    out.set("rights", row != nullptr ? rights_of(*row, step) : "");
    if (!step.allow_irreversible.empty()) out.set("allow_irreversible", step.allow_irreversible);
  }
  if (step.kind == StepKind::action) {
    const ActionRow* row = rows.action(step.action);
    out.set("action", step.action).set("summary", row != nullptr ? row->summary : "");
    out.set("arguments", step.arguments).set("rights", row != nullptr ? row->rights : "");
  }
  if (step.kind == StepKind::human) out.set("do", step.what).set("by", step.person);
  if (step.kind == StepKind::approve) {
    out.set("role", step.person).set("not", step.not_operator ? "operator" : "");
  }
  if (step.inside) out.set("inside", true);
  if (step.hold) out.set("for_s", seconds(*step.hold));
  if (step.kind == StepKind::restore) out.set("into", step.into_place ? "place" : "scratch");
  if (const Json* point = step.arguments.find("point"); point != nullptr) out.set("point", *point);
  if (!step.target.empty() && step.kind != StepKind::fault) out.set("target", step.target);
  if (!step.replay.empty()) out.set("replay", step.replay);
  if (!step.revert.empty()) out.set("revert", step.revert);
  if (step.steady_for > Duration{}) out.set("for_s", seconds(step.steady_for));
  if (step.within > Duration{}) out.set("within_s", seconds(step.within));
  Json instances = Json::array();
  for (const auto& instance : planned.instances) {
    instances.push(Json::object(
        {{"target", instance.target}, {"shown", instance.shown}, {"identity", instance.identity}}));
  }
  if (!planned.instances.empty()) out.set("instances", std::move(instances));
  return out;
}

Json checks_json(const LoadRequest& request) {
  Json checks = Json::array();
  const AnswerChecks made(request.expect, 1);
  for (const auto& check : made.names()) checks.push(check);
  return checks;
}

// What is more than one method and URL.
void add_requests(const LoadSpec& load, Json& out) {
  if (load.mix.empty() && !load.request.expect.is_null()) {
    out.set("checks", checks_json(load.request));
  }
  if (load.data != nullptr) {
    out.set("data", Json::object({{"file", load.data->path},
                                  {"sha256", load.data->sha256},
                                  {"rows", load.data->rows.size()}}));
  }
  if (load.mix.empty()) return;
  Json requests = Json::array();
  for (const WeightedRequest& one : load.mix) {
    Json request = Json::object({{"name", one.name},
                                 {"weight", one.weight},
                                 {"method", one.request.method},
                                 {"url", one.request.url}});
    if (!one.request.expect.is_null()) request.set("checks", checks_json(one.request));
    requests.push(std::move(request));
  }
  out.set("requests", std::move(requests));
}

Json stages_json(const LoadSpec& load) {
  Json stages = Json::array();
  for (const RateStage& stage : load.stages) {
    Json one =
        Json::object({{"from", stage.from}, {"to", stage.to}, {"for_s", seconds(stage.length)}});
    if (stage.swing > 0) one.set("swing", stage.swing).set("period_s", seconds(stage.period));
    stages.push(std::move(one));
  }
  return stages;
}

Json users_json(const UsersSpec& users) {
  return Json::object({{"users", users.users},
                       {"spawn_rate", users.spawn_rate > 0 ? Json(users.spawn_rate) : Json()},
                       {"think_s", Json::object({{"least", seconds(users.think_least)},
                                                 {"most", seconds(users.think_most)}})}});
}

Json load_json(const LoadSpec& load, const Rows& rows) {
  const LoadRow* row = rows.load(load.kind);
  Json out =
      Json::object({{"name", load.name},
                    {"rate", load.carried ? Json() : Json(load.rate)},
                    {"arrivals", load.arrivals == Arrivals::constant ? "constant" : "poisson"},
                    {"timeout_s", seconds(load.timeout)},
                    {"transport", transport_of(load)},
                    {"method", row == nullptr ? load.request.method : load.kind},
                    {"url", row == nullptr ? load.request.url : row->shown(load.arguments)},
                    {"ledger", load.ledger.has_value()}});
  if (row == nullptr) add_requests(load, out);
  if (load.users || !load.stages.empty()) out.set("shape", shape_in_words(load));
  if (!load.stages.empty()) out.set("stages", stages_json(load));
  if (load.users) {
    out.set("rate", Json()).set("arrivals", Json()).set("users", users_json(*load.users));
  }
  if (load.carried) out.set("loop", kClosedLoop).set("arrivals", "users");
  if (load.cleanup) out.set("cleanup", load.cleanup->method + " " + load.cleanup->url);
  if (row != nullptr && load.ledger) {
    out.set("cleanup", load.arguments.text("remove", "what carries the drill's mark"));
  }
  return out;
}

// What the system has by the playbook's own word; a score goes by it.
Json system_json(const Playbook& playbook, const Rows& rows) {
  Json targets = Json::array();
  for (const auto& target : playbook.system.targets) {
    Json holds = Json::array();
    if (rows.restore_of(target) != nullptr) holds.push("data");
    if (rows.queue_of(target) != nullptr) holds.push("queue");
    targets.push(Json::object(
        {{"target", target.name}, {"region", target.region}, {"holds", std::move(holds)}}));
  }
  for (const auto& link : playbook.system.links) {
    targets.push(
        Json::object({{"target", link.name}, {"region", link.region}, {"holds", Json::array()}}));
  }
  return targets;
}

Json probe_json(const ProbeSpec& probe, const Playbook& playbook) {
  Json out = Json::object({{"name", probe.name},
                           {"kind", probe.kind},
                           {"every_s", seconds(probe.every)},
                           {"timeout_s", seconds(probe.timeout)},
                           {"failures", probe.failures},
                           {"successes", probe.successes},
                           {"arguments", probe.arguments}});
  if (probe.during != During::always) out.set("during", name_of(probe.during));
  if (!probe.evidence_for.empty()) {
    out.set("evidence_for", names_json(probe.evidence_for));
    out.set("evidence_level", probe.evidence_level);
    out.set("evidence_alone", is_evidence_alone(probe, playbook));
  }
  return out;
}

Json not_applicable_json(const Playbook& playbook) {
  Json list = Json::array();
  for (const auto& [criterion, reason, approved_by] : playbook.not_applicable) {
    list.push(
        Json::object({{"criterion", criterion}, {"reason", reason}, {"approved_by", approved_by}}));
  }
  return list;
}

Json invariants_json(const Playbook& playbook) {
  Json list = Json::array();
  for (const InvariantSpec& one : invariants_of(playbook.system)) {
    list.push(Json::object({{"target", one.target},
                            {"name", one.name},
                            {"sql", one.sql},
                            {"is", one.is},
                            {"timeout_s", seconds(one.timeout)}}));
  }
  return list;
}

Json vars_json(const Playbook& playbook) {
  Json vars = Json::object();
  for (const auto& [name, value] : playbook.vars) vars.set(name, value);
  return vars;
}

Json objectives_json(const Plan& plan) {
  const Objectives& objectives = plan.playbook->objectives;
  Json out = Json::object();
  if (objectives.rto) {
    out.set("rto", Json::object({{"within_s", seconds(objectives.rto->within)},
                                 {"hold_s", seconds(plan.hold())},
                                 {"from", objectives.rto->from}}));
  }
  if (objectives.rpo) out.set("rpo", Json::object({{"within_s", seconds(*objectives.rpo)}}));
  if (objectives.success_rate) {
    const auto& terms = *objectives.success_rate;
    out.set("success_rate", Json::object({{"at_least", terms.at_least}, {"during", terms.during}}));
  }
  for (const auto& terms : objectives.latencies) {
    out.set(terms.name,
            Json::object({{"within_s", seconds(terms.within)}, {"during", terms.during}}));
  }
  return out;
}

}  // namespace

Json to_json(const Plan& plan, const Rows& rows) {
  const Playbook& playbook = *plan.playbook;
  Json steps = Json::array();
  // What cannot be undone stands first, where nobody overlooks it.
  for (const bool irreversible : {true, false}) {
    for (const auto& planned : plan.steps) {
      const bool none = planned.reversal == Reversal::none;
      if (none == irreversible) steps.push(step_json(planned, rows));
    }
  }
  Json loads = Json::array();
  for (const auto& load : playbook.loads) loads.push(load_json(load, rows));
  Json probes = Json::array();
  for (const auto& probe : playbook.probes) probes.push(probe_json(probe, playbook));
  Json stops = Json::array();
  for (const auto& stop : playbook.limits.stop_when) {
    stops.push(Json::object({{"probe", stop.probe}, {"fails_for_s", seconds(stop.fails_for)}}));
  }
  Json plan_json =
      Json::object({{"playbook", Json::object({{"name", playbook.name},
                                               {"sha256", playbook.sha256},
                                               {"vars", vars_json(playbook)}})},
                    {"environment", playbook.environment},
                    {"objectives", objectives_json(plan)},
                    {"not_applicable", not_applicable_json(playbook)},
                    {"system", system_json(playbook, rows)},
                    {"timeline", std::move(steps)},
                    {"load", std::move(loads)},
                    {"probes", std::move(probes)},
                    {"limits", Json::object({{"targets", playbook.limits.targets},
                                             {"writes", playbook.limits.writes},
                                             {"duration_s", seconds(playbook.limits.duration)},
                                             {"stop_when", std::move(stops)}})},
                    {"locks", names_json(plan.identities)}});
  Json invariants = invariants_json(playbook);
  if (!invariants.items().empty()) plan_json.set("invariants", std::move(invariants));
  return plan_json;
}

}  // namespace gameday
