// The verdict: a pure function of what the drill saw. What could not be judged is never held.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/units.h"
#include "engine/conductor/load_reasons.h"
#include "engine/conductor/turn.h"

namespace gameday {
namespace {

enum class Held { yes, no, unknown };

struct Objective {
  std::string name;
  Json objective, measured;
  Held held = Held::unknown;
  std::string why;
  bool closed_loop = false;  // a load that it is judged by asks less while the system is slow
};

Json to_json(const Objective& objective) {
  Json all = Json::object(
      {{"name", objective.name},
       {"objective", objective.objective},
       {"measured", objective.measured},
       {"held", objective.held == Held::unknown ? Json() : Json(objective.held == Held::yes)},
       {"why", objective.why}});
  if (objective.closed_loop) all.set("closed_loop", true);
  return all;
}

void say(Objective& objective, const std::string& why) {
  objective.why = objective.why.empty() ? why : why + "; " + objective.why;
}

void mark_closed_loop(Objective& objective, const LoadSummary& load) {
  if (!load.users) return;
  objective.closed_loop = true;
  say(objective, "load " + load.load + " is a closed loop: it asks less while the system is slow");
}

bool any_unproven(const Drill& drill) {
  return std::ranges::any_of(drill.deeds, [](const auto& d) { return d.is_fault && d.unproven; });
}

// A load that was to be measured and was not leaves every objective on it open.
bool all_summarised(const Drill& drill) {
  return drill.loads.size() == drill.plan.playbook->loads.size();
}

std::vector<Outage> judged_outages(const Drill& drill, bool* measured) {
  const auto& rto = *drill.plan.playbook->objectives.rto;
  if (rto.from.empty()) {
    *measured = all_summarised(drill) && !drill.loads.empty();
    return all_outages(drill);
  }
  const auto probe = drill.probes.find(rto.from);
  *measured = probe != drill.probes.end() && !probe->second.samples.empty();
  if (!*measured) return {};
  const auto spans = drill.spans();
  return outages_in(probe->second.samples, drill.plan.hold(), spans);
}

// Of all closed loops: in such a time an outage may have gone unseen.
Duration longest_gap(const Drill& drill, Objective& objective) {
  Duration longest{};
  for (const auto& load : drill.loads) {
    if (load.users) longest = std::max(longest, load.users->longest_gap);
    mark_closed_loop(objective, load);
  }
  return longest;
}

Objective judge_rto(const Drill& drill) {
  const auto& rto = *drill.plan.playbook->objectives.rto;
  Objective result{"rto", seconds(rto.within), Json(), Held::unknown, ""};
  bool measured = false;
  Duration lo{}, hi{};
  bool over = true;
  for (const auto& outage : judged_outages(drill, &measured)) {
    if (outage.hi >= hi) {
      hi = outage.hi;
      lo = outage.lo;
    }
    over = over && outage.to.has_value();
  }
  if (!measured) {
    result.why = "no load or probe measured it";
    return result;
  }
  const Duration gap = rto.from.empty() ? longest_gap(drill, result) : Duration{};
  hi = std::max(hi, gap);
  result.measured = Json::object({{"lo", seconds(lo)}, {"hi", seconds(hi)}});
  if (!over) {
    result.held = lo > rto.within ? Held::no : Held::unknown;
    say(result, "an outage was not over when the load ended");
  } else if (lo > rto.within) {
    result.held = Held::no;
    say(result, "the longest outage took " + shown(lo) + " at least");
  } else if (gap > drill.plan.hold()) {
    say(result, "for " + shown(gap) +
                    " no user was answered, which is longer than a success must " + "hold");
  } else if (hi <= rto.within) {
    result.held = Held::yes;
  } else {
    say(result, "the objective lies inside the error bar");
  }
  return result;
}

Objective judge_rpo(const Drill& drill) {
  const Duration within = *drill.plan.playbook->objectives.rpo;
  Objective result{"rpo", seconds(within), Json(), Held::unknown, ""};
  double best = 0, worst = 0;
  std::uint64_t lost = 0;
  for (const auto& ledger : drill.ledgers) {
    if (!ledger.read_back) {
      result.why = "ledger " + ledger.load + " was not read back: " + ledger.problem;
      return result;
    }
    best = std::max(best, ledger.rpo_s.best);
    worst = std::max(worst, ledger.rpo_s.worst);
    lost += ledger.lost + ledger.stale;
  }
  if (drill.ledgers.empty()) {
    result.why = "no ledger was read back";
    return result;
  }
  if (drill.undrained) {
    result.why = "the queues were not empty when the ledger was read";
    return result;
  }
  result.measured = Json::object({{"lo", best}, {"hi", worst}});
  const bool held = within == Duration{} ? lost == 0 : best <= seconds(within);
  result.held = held ? Held::yes : Held::no;
  if (!held) result.why = std::to_string(lost) + " acknowledged writes are lost or stale";
  return result;
}

const PhaseSummary* phase_of(const LoadSummary& load, const std::string& name) {
  const auto found = std::ranges::find(load.phases, name, &PhaseSummary::phase);
  return found == load.phases.end() || found->due == 0 ? nullptr : &*found;
}

// Judges the worst of all loads in a phase; `value` gives the figure, `better` compares. A closed
// loop sends less where it has to wait. What it measured can show that an objective is missed; that
// it is held, only where `at_worst`, the figure if all that it held back had failed, is good too,
// or an open loop has shown it.
template <class Value, class AtWorst, class Worse, class Good>
Objective judge_phase(const Drill& drill, Objective result, const std::string& during, Value value,
                      AtWorst at_worst, Worse worse, Good good) {
  std::optional<double> worst;
  std::string doubt;
  bool any_open = false;
  for (const auto& load : drill.loads) {
    const PhaseSummary* phase = phase_of(load, during);
    if (phase == nullptr) continue;
    if (!phase->valid) {
      result.why = "load " + load.load + " missed its plan in phase " + during;
      return result;
    }
    mark_closed_loop(result, load);
    any_open = any_open || !(load.closed || load.users);
    if (load.closed && !good(at_worst(*phase, phase->held_back.value_or(1)))) {
      doubt = "load " + load.load + " is a closed loop: what it held back while it waited could " +
              "have missed it";
    }
    const double figure = value(*phase);
    if (!worst || worse(figure, *worst)) worst = figure;
  }
  if (!worst || !all_summarised(drill)) {
    result.why = "no load was measured in phase " + during;
    return result;
  }
  result.measured = *worst;
  result.held = good(*worst) ? Held::yes : Held::no;
  if (result.held == Held::yes && !any_open && !doubt.empty()) {
    result.held = Held::unknown;
    result.why = doubt;
  }
  return result;
}

double ratio_of(const PhaseSummary& phase) {
  return static_cast<double>(phase.ok) / static_cast<double>(phase.due);
}

Objective judge_success(const Drill& drill) {
  const auto& terms = *drill.plan.playbook->objectives.success_rate;
  return judge_phase(
      drill, {"success_rate", terms.at_least, Json(), Held::unknown, ""}, terms.during, ratio_of,
      [](const PhaseSummary& phase, double back) { return ratio_of(phase) * (1 - back); },
      [](double a, double b) { return a < b; },
      [&](double ratio) { return ratio >= terms.at_least; });
}

double quantile_of(const Quantiles& quantiles, double q) {
  if (q <= 0.5) return quantiles.p50;
  if (q <= 0.9) return quantiles.p90;
  return q <= 0.99 ? quantiles.p99 : quantiles.p999;
}

// Where `held_back` of all would have come after all that came: the least of those known that is no
// better than the quantile then.
double quantile_at_worst(const Quantiles& quantiles, double q, double held_back) {
  const double then = held_back < 1 ? q / (1 - held_back) : 2;
  if (then > 1) return std::numeric_limits<double>::infinity();
  return then > 0.999 ? quantiles.max : quantile_of(quantiles, then);
}

Objective judge_latency(const Drill& drill, const LatencyObjective& terms) {
  return judge_phase(
      drill, {terms.name, seconds(terms.within), Json(), Held::unknown, ""}, terms.during,
      [&](const PhaseSummary& phase) { return quantile_of(phase.latency_s, terms.quantile); },
      [&](const PhaseSummary& phase, double back) {
        return quantile_at_worst(phase.latency_s, terms.quantile, back);
      },
      [](double a, double b) { return a > b; },
      [&](double latency) { return latency <= seconds(terms.within); });
}

std::vector<Objective> judge_objectives(const Drill& drill) {
  const auto& objectives = drill.plan.playbook->objectives;
  std::vector<Objective> found;
  if (objectives.rto) found.push_back(judge_rto(drill));
  if (objectives.rpo) found.push_back(judge_rpo(drill));
  if (objectives.success_rate) found.push_back(judge_success(drill));
  for (const auto& latency : objectives.latencies) found.push_back(judge_latency(drill, latency));
  if (any_unproven(drill)) {
    // The system was not put to the test that these were to judge.
    for (auto& objective : found) {
      if (objective.held != Held::yes) continue;
      objective.held = Held::unknown;
      objective.why = "a fault was not proven";
    }
  }
  return found;
}

void add_objective_reasons(const std::vector<Objective>& objectives, std::vector<Reason>& reasons) {
  for (const auto& objective : objectives) {
    if (objective.held == Held::yes) continue;
    const bool missed = objective.held == Held::no;
    std::string text =
        "objective " + objective.name + (missed ? " missed" : " could not be judged");
    if (!objective.measured.is_null()) text += ": measured " + objective.measured.dump();
    if (!objective.why.empty()) text += " (" + objective.why + ")";
    reasons.push_back({missed ? 1 : 6, std::move(text)});
  }
}

void add_ledger_reasons(const Drill& drill, std::vector<Reason>& reasons) {
  const bool has_rpo = drill.plan.playbook->objectives.rpo.has_value();
  for (const auto& ledger : drill.ledgers) {
    if (ledger.corrupt > 0) {
      reasons.push_back({1, std::to_string(ledger.corrupt) + " writes of load " + ledger.load +
                                " came back corrupt"});
    }
    // A playbook that allows no loss allows none.
    if (!has_rpo && ledger.lost + ledger.stale > 0) {
      reasons.push_back({1, std::to_string(ledger.lost + ledger.stale) +
                                " acknowledged writes of load " + ledger.load +
                                " are lost or stale, and no RPO allows it"});
    }
    if (!ledger.read_back && !has_rpo) {
      reasons.push_back({6, "ledger " + ledger.load + " was not read back: " + ledger.problem});
    }
  }
}

// What was to be seen in one part of the drill, and was not.
void add_probe_reasons(const Drill& drill, std::vector<Reason>& reasons) {
  for (const auto& [name, probe] : drill.probes) {
    if (probe.during == During::always || !probe.ever_asked || probe.attempts > 0) continue;
    reasons.push_back(
        {6, "probe " + name + " gave no answer in the time in which it was to be asked"});
  }
}

// 5 > 4 > 3 until the first fault is injected, 5 > 4 > 1 > 6 > 0 afterwards.
int worst_code(const std::vector<Reason>& reasons, bool any_injected) {
  const auto has = [&](int code) {
    return std::ranges::any_of(reasons, [&](const auto& reason) { return reason.code == code; });
  };
  if (has(5)) return 5;
  if (has(4)) return 4;
  if (!any_injected && has(3)) return 3;
  if (has(1)) return 1;
  if (has(6)) return 6;
  return has(3) ? 6 : 0;
}

const char* verdict_name(int code) {
  switch (code) {
    case 0: return "passed";
    case 1: return "failed";
    case 3: return "not_started";
    case 4: return "stopped";
    case 5: return "residue";
    default: return "inconclusive";
  }
}

Json recovery_json(const Drill& drill) {
  Duration hi{};
  std::optional<Instant> from;
  const auto outages = all_outages(drill);
  for (const auto& load : drill.loads) {
    if (load.users) hi = std::max(hi, load.users->longest_gap);
  }
  for (const auto& outage : outages) {
    hi = std::max(hi, outage.hi);
    // What broke after the content was verified was not what that ended.
    if (drill.verified_at && outage.from > drill.verified_at->boot) continue;
    if (!from || outage.from > *from) from = outage.from;
  }
  for (const auto& deed : drill.deeds) {
    if (!from && deed.is_fault && deed.holds_data && deed.injected) from = deed.injected->boot;
  }
  std::uint64_t acknowledged = 0, lost = 0, duplicated = 0, unexpected = 0;
  double rpo = 0;
  bool read = !drill.ledgers.empty();
  bool counted = read;
  for (const auto& ledger : drill.ledgers) {
    counted = counted && ledger.counted;
    acknowledged += ledger.acknowledged;
    lost += ledger.lost;
    duplicated += ledger.duplicate;
    unexpected += ledger.phantom.value_or(0) + ledger.resurrected.value_or(0);
    rpo = std::max(rpo, ledger.rpo_s.best);
    read = read && ledger.read_back;
  }
  const bool verified = drill.verified_at && from;
  return Json::object(
      {{"rto_s", all_summarised(drill) && !drill.loads.empty() ? Json(seconds(hi)) : Json()},
       {"verified_s", verified ? Json(seconds(drill.verified_at->boot - *from)) : Json()},
       {"rpo_s", read ? Json(rpo) : Json()},
       {"detected_s", Json()},
       {"acknowledged", counted ? Json(acknowledged) : Json()},
       {"lost", read ? Json(lost) : Json()},
       {"duplicated", read ? Json(duplicated) : Json()},
       {"unexpected", read ? Json(unexpected) : Json()}});
}

Json reasons_json(const std::vector<Reason>& reasons) {
  Json list = Json::array();
  for (const auto& [code, text] : reasons) {
    list.push(Json::object({{"code", code}, {"text", text}}));
  }
  return list;
}

}  // namespace

Judgement judge(const Drill& drill) {
  Judgement result;
  result.reasons = drill.reasons;
  for (const auto& residue : drill.residue) {
    result.reasons.push_back({5, residue.what + "; by hand: " + residue.by_hand});
  }
  Json objectives = Json::array();
  // A drill that never came to its timeline has nothing that could be judged.
  if (drill.first_step) {
    const auto judged = judge_objectives(drill);
    for (const auto& objective : judged) objectives.push(to_json(objective));
    if (drill.any_injected || drill.reasons.empty()) add_objective_reasons(judged, result.reasons);
    add_ledger_reasons(drill, result.reasons);
    add_invariant_reasons(drill, result.reasons);
    add_load_reasons(drill, result.reasons);
    add_probe_reasons(drill, result.reasons);
  }
  result.exit_code = worst_code(result.reasons, drill.any_injected);
  result.verdict = verdict_name(result.exit_code);
  if (result.exit_code == 0) {
    result.reasons.insert(result.reasons.begin(), {0, "every objective held"});
  }
  result.document = Json::object({{"verdict", result.verdict},
                                  {"exit_code", result.exit_code},
                                  {"reasons", reasons_json(result.reasons)},
                                  {"stop", stop_json(drill)},
                                  {"residue", residue_json(drill)},
                                  {"started", rfc3339(drill.began.utc)},
                                  {"ended", rfc3339(utc_of(drill, drill.now.boot))},
                                  {"steps", steps_json(drill)},
                                  {"objectives", std::move(objectives)},
                                  {"faults", faults_json(drill)},
                                  {"load", loads_json(drill)},
                                  {"outages", outages_json(drill)},
                                  {"recovery", recovery_json(drill)},
                                  {"ledgers", ledgers_json(drill)},
                                  {"backups", backups_json(drill)},
                                  {"restores", restores_json(drill)},
                                  {"humans", humans_json(drill)}});
  if (drill.begun) result.document.set("invariants", invariants_json(drill));
  return result;
}

}  // namespace gameday
