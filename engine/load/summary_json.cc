#include "engine/load/summary.h"

namespace gameday {
namespace {

Json to_json(const PhaseSummary& phase) {
  Json latency;
  if (phase.due > 0 && phase.windows > phase.marked) {
    const Quantiles& q = phase.latency_s;
    latency = Json::object(
        {{"p50", q.p50}, {"p90", q.p90}, {"p99", q.p99}, {"p99.9", q.p999}, {"max", q.max}});
  }
  const Json lag = phase.due > 0 ? Json::object({{"p99", phase.send_lag_p99_s}}) : Json();
  Json out = Json::object({{"phase", phase.phase},
                           {"due", phase.due},
                           {"sent", phase.sent},
                           {"late", phase.late},
                           {"ok", phase.ok},
                           {"errors", phase.errors},
                           {"rate", phase.rate},
                           {"latency_s", latency},
                           {"send_lag_s", lag},
                           {"valid", phase.valid}});
  if (!phase.requests.empty()) {
    Json requests = Json::array();
    for (const RequestCount& of : phase.requests) {
      requests.push(Json::object({{"request", of.request},
                                  {"due", of.due},
                                  {"sent", of.sent},
                                  {"ok", of.ok},
                                  {"errors", of.errors}}));
    }
    out.set("requests", std::move(requests));
  }
  if (phase.failed_checks) {
    Json failed = Json::array();
    for (const auto& [check, times] : *phase.failed_checks) {
      failed.push(Json::object({{"check", check}, {"times", times}}));
    }
    out.set("failed_checks", std::move(failed));
  }
  if (phase.held_back) out.set("held_back", *phase.held_back);
  return out;
}

Json to_json(const TellersSummary& tellers) {
  Json requests = Json::array();
  for (const auto& [name, ok, errors, example] : tellers.requests) {
    requests.push(
        Json::object({{"name", name}, {"ok", ok}, {"errors", errors}, {"example", example}}));
  }
  return Json::object({{"users", tellers.users},
                       {"processes", tellers.processes},
                       {"lost", tellers.lost},
                       {"dropped", tellers.dropped},
                       {"requests", std::move(requests)}});
}

Json counted(const std::optional<std::uint64_t>& count) { return count ? Json(*count) : Json(); }

}  // namespace

Json to_json(const LoadSummary& summary) {
  Json phases = Json::array();
  for (const PhaseSummary& phase : summary.phases) phases.push(to_json(phase));
  Json transport;
  if (const auto& carried = summary.carried) {
    Json unanswered = Json::array();
    for (const auto& [why, requests] : carried->unanswered) {
      unanswered.push(Json::object({{"why", why}, {"requests", requests}}));
    }
    transport = Json::object({{"name", carried->transport},
                              {"why", carried->why},
                              {"cpu_s", carried->cpu_s},
                              {"unanswered", unanswered}});
  }
  Json all = Json::object({{"name", summary.load}, {"transport", transport}, {"phases", phases}});
  if (summary.closed || summary.users) all.set("loop", kClosedLoop);
  if (!summary.invalid.empty()) all.set("invalid", summary.invalid);
  if (summary.tellers) all.set("told", to_json(*summary.tellers));
  if (const auto& users = summary.users) {
    all.set("closed_loop", Json::object({{"users", users->users},
                                         {"spawned", users->spawned},
                                         {"longest_gap_s", seconds(users->longest_gap)}}));
  }
  return all;
}

Json to_json(const Outage& outage, std::string_view source, const UtcOf& utc_of) {
  Json faults = Json::array();
  for (const std::string& fault : outage.faults) faults.push(fault);
  return Json::object(
      {{"faults", faults},
       {"from", rfc3339(utc_of(outage.from))},
       {"to", outage.to ? Json(rfc3339(utc_of(*outage.to))) : Json()},
       {"rto_s", Json::object({{"lo", seconds(outage.lo)}, {"hi", seconds(outage.hi)}})},
       {"source", source}});
}

Json to_json(const LedgerSummary& summary) {
  const auto sent = [&](std::uint64_t count) { return summary.counted ? Json(count) : Json(); };
  const auto found = [&](std::uint64_t count) { return summary.read_back ? Json(count) : Json(); };
  Json rpo;
  if (summary.read_back) {
    rpo = Json::object({{"best", summary.rpo_s.best},
                        {"worst", summary.rpo_s.worst},
                        {"hole_s", summary.rpo_s.hole},
                        {"resolution_s", summary.rpo_s.resolution}});
  }
  return Json::object({{"load", summary.load},
                       {"acknowledged", sent(summary.acknowledged)},
                       {"unknown", sent(summary.unknown)},
                       {"lost", found(summary.lost)},
                       {"stale", found(summary.stale)},
                       {"duplicate", found(summary.duplicate)},
                       {"phantom", counted(summary.phantom)},
                       {"resurrected", counted(summary.resurrected)},
                       {"corrupt", found(summary.corrupt)},
                       {"recovered", found(summary.recovered)},
                       {"rpo_s", rpo}});
}

}  // namespace gameday
