// Events as the journal has them. Each carries the words and units that a report needs, so that a
// reader of the journal needs no table of ours.
#include "engine/base/units.h"
#include "engine/conductor/turn.h"

namespace gameday {
namespace {

Json error_json(const Status& status) { return status ? Json() : Json(status.error().text); }

// What of a deed every event about it says.
Json deed_json(const DeedState& deed) {
  return Json::object({{"deed", deed.mark},
                       {"id", deed.step_id.empty() ? deed.deed.id : deed.step_id},
                       {"kind", deed.deed.kind}});
}

// Nothing is owed for it, and so it has no undo and no not_after.
Json action_json(const DeedState& deed) {
  return deed_json(deed)
      .set("action", deed.deed.action)
      .set("target", deed.deed.target)
      .set("arguments", deed.deed.arguments);
}

Described describe_answer(const Drill& drill, const Answered& answered) {
  const auto lane = lane_answered(drill, answered);
  const std::string step = lane ? drill.steps[drill.lanes[*lane].step].id : answered.step;
  return {"answered", Json::object({{"id", step},
                                    {"what", name_of(answered.what)},
                                    {"role", answered.role},
                                    {"reason", answered.reason},
                                    {"who", to_json(answered.who)},
                                    {"counts", lane.has_value()},
                                    {"why", lane ? Json() : Json(lane.error().text)}})};
}

// When the guardian undoes although the runner lives: what the deed may take by the plan, and a
// grace.
Instant not_after(const Drill& drill, const DeedState& deed) {
  Duration planned = drill.plan.playbook->limits.duration;
  bool until_the_end = deed.is_fault;
  for (const auto& step : drill.plan.steps) {
    if (!step.step.hold || step.step.id != deed.step_id) continue;
    planned = *step.step.hold;
    until_the_end = false;
  }
  for (const auto& step : drill.plan.steps) {
    // One that is under way when the limit comes goes on to its own deadline.
    if (!until_the_end || step.step.kind != StepKind::restore) continue;
    planned += step.step.deadline.value_or(Deadlines::restore);
  }
  if (deed.deed.kind == "load") {
    for (const auto& step : drill.plan.steps) {
      planned += step.step.steady_for + step.step.within;
      if (step.step.kind == StepKind::action) planned += step.step.deadline.value_or(Duration{});
    }
    planned += 4 * Deadlines::verify + Deadlines::restore;
    if (drill.begun) planned += 2 * invariants_take(drill.plan.playbook->system);
  }
  for (const auto& step : drill.plan.steps) {
    const bool its = deed.deed.kind == "restore" && step.step.id == deed.step_id;
    if (its) planned += step.step.deadline.value_or(Deadlines::restore);
  }
  return drill.now.boot + planned + Deadlines::inject + Deadlines::prove + Deadlines::undo +
         Deadlines::grace;
}

Json prepared_json(const Drill& drill, const DeedState& deed, const Done& done) {
  Json data = deed_json(deed);
  if (!done.status) return data.set("error", done.status.error().text);
  if (deed.is_action) return action_json(deed);
  Json targets = Json::array();
  for (const auto& name : deed.targets) targets.push(name);
  Json instances = Json::array();
  for (const auto& shown : deed.instances) instances.push(shown);
  data.set("target", deed.deed.target)
      .set("targets", std::move(targets))
      .set("instances", std::move(instances))
      .set("arguments", deed.deed.arguments)
      .set("holds_data", deed.holds_data)
      .set("undo", to_json(std::get<Undo>(done.value)))
      .set("not_after_ns", not_after(drill, deed).time_since_epoch().count())
      .set("inject_deadline_ns", (drill.now.boot + Deadlines::inject).time_since_epoch().count());
  return data;
}

Json seen_json(const std::vector<InvariantSeen>& all) {
  Json list = Json::array();
  for (const auto& seen : all) list.push(to_json(seen));
  return list;
}

Json restored_json(const Restored& restored) {
  Json data = Json::object({{"vacuous", restored.vacuous},
                            {"verified", restored.verified},
                            {"text", restored.text},
                            {"facts", restored.facts}});
  if (!restored.invariants.empty()) data.set("invariants", seen_json(restored.invariants));
  return data;
}

Json proof_json(const DeedState& deed, const Done& done) {
  const auto* proof = std::get_if<Proof>(&done.value);
  Json data = deed_json(deed);
  data.set("held", done.status && proof != nullptr && proof->held);
  if (proof != nullptr) data.set("text", proof->text).set("facts", proof->facts);
  if (!done.status) data.set("error", done.status.error().text);
  return data;
}

Described describe_deed(const Drill& drill, const Task& task, const Done& done) {
  const DeedState& deed = drill.deeds[task.deed];
  switch (task.op) {
    case Op::prepare:
      return {done.status ? "deed" : "not_prepared", prepared_json(drill, deed, done)};
    case Op::restore_scratch:
    case Op::inject: {
      Json data = deed_json(deed).set("ok", done.status.has_value());
      if (!done.status) {
        data.set("error", done.status.error().text).set("uncertain", end_unknown(done.status));
      }
      if (const auto* restored = std::get_if<Restored>(&done.value)) {
        data.set("restored", restored_json(*restored));
      }
      if (task.op == Op::inject) return {"injected", std::move(data)};
      return {std::string(name_of(task.op)), data.set("target", task.target)};
    }
    case Op::prove: return {"proof", proof_json(deed, done)};
    case Op::still_bites: return {"still_bites", proof_json(deed, done)};
    case Op::look: {
      Json data = proof_json(deed, done);
      const bool closes = data.boolean("held", false) && !may_still_arrive(deed, drill.now.boot);
      return {"gone", data.set("closes", closes)};
    }
    case Op::undo:
      return {"undo", deed_json(deed)
                          .set("ok", done.status.has_value())
                          .set("try", deed.undo_tries + 1)
                          .set("error", error_json(done.status))};
    default:
      return {"erased",
              deed_json(deed).set("kept", task.keep).set("error", error_json(done.status))};
  }
}

Json done_json(const Done& done) {
  Json data = Json::object({{"ok", done.status.has_value()}, {"error", error_json(done.status)}});
  if (const auto* count = std::get_if<std::int64_t>(&done.value)) data.set("count", *count);
  if (const auto* backup = std::get_if<BackupTaken>(&done.value))
    data.set("backup", to_json(*backup));
  if (const auto* restored = std::get_if<Restored>(&done.value)) {
    data.set("restored", restored_json(*restored));
  }
  if (const auto* load = std::get_if<LoadSummary>(&done.value)) data.set("load", to_json(*load));
  if (const auto* ledger = std::get_if<LedgerSummary>(&done.value)) {
    data.set("ledger", to_json(*ledger));
  }
  if (const auto* seen = std::get_if<std::vector<InvariantSeen>>(&done.value)) {
    data.set("invariants", seen_json(*seen));
  }
  if (const auto* up = std::get_if<SystemUp>(&done.value)) {
    Json instances = Json::array();
    for (const auto& instance : up->instances) {
      instances.push(Json::object({{"target", instance.target},
                                   {"shown", instance.shown},
                                   {"identity", instance.identity},
                                   {"facts", instance.facts}}));
    }
    data.set("started_here", up->started_here).set("resolved", std::move(instances));
  }
  return data;
}

Described describe_done(const Drill& drill, const Done& done) {
  const auto found = drill.tasks.find(done.task);
  if (found == drill.tasks.end()) return {"late", Json::object({{"task", done.task}})};
  const Task& task = found->second;
  if (task.deed != kNoDeed) return describe_deed(drill, task, done);
  Json data = done_json(done);
  if (task.op == Op::invariants) {
    const bool in_step = drill.phase == Phase::running;
    data.set("at", drill.phase == Phase::starting ? "begin" : "verify")
        .set("step", in_step ? Json(drill.steps[drill.lanes[task.lane].step].id) : Json());
  }
  if (task.op == Op::restore_scratch) {
    data.set("id", drill.steps[drill.lanes[task.lane].step].id);
  }
  if (!task.target.empty()) data.set("target", task.target);
  if (!task.names.empty()) {
    Json names = Json::array();
    for (const auto& name : task.names) names.push(name);
    data.set("names", std::move(names));
  }
  return {std::string(name_of(task.op)), std::move(data)};
}

}  // namespace

Described describe(const Drill& drill, const Happening& happening) {
  struct Visitor {
    const Drill& drill;
    Described operator()(const Begun&) const {
      return {"begun", Json::object({{"drill", drill.plan.drill}, {"seed", drill.plan.seed}})};
    }
    Described operator()(const Done& done) const { return describe_done(drill, done); }
    Described operator()(const Sampled& s) const {
      return {"sample",
              Json::object({{"probe", s.probe},
                            {"start_ns", s.start.time_since_epoch().count()},
                            {"end_ns", s.end.time_since_epoch().count()},
                            {"ok", s.ok},
                            {"text", s.text}}),
              false};
    }
    Described operator()(const Woken& woken) const {
      return {"woken", Json::object({{"timer", woken.timer}}), false};
    }
    Described operator()(const StopAsked& asked) const {
      Json data = Json::object(
          {{"by", name_of(asked.by)}, {"reason", asked.reason}, {"probe", asked.probe}});
      if (asked.who) data.set("who", to_json(*asked.who));
      return {"stop_asked", std::move(data)};
    }
    Described operator()(const Answered& answered) const {
      return describe_answer(drill, answered);
    }
    Described operator()(const LoadProblem& problem) const {
      return {"load_problem", Json::object({{"load", problem.load}, {"text", problem.text}})};
    }
    Described operator()(const JournalFailed& failed) const {
      return {"journal_failed", Json::object({{"error", failed.error.text}})};
    }
  };
  return std::visit(Visitor{drill}, happening);
}

}  // namespace gameday
