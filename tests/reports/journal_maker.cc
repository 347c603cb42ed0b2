#include "tests/reports/journal_maker.h"

#include <algorithm>

namespace gameday {
namespace {

const Utc kStart = *parse_rfc3339("2026-11-22T19:04:10.000000Z");

Json planned_step(std::string_view id, std::string_view kind) {
  return Json::object({{"id", id}, {"step", kind}, {"for_s", 10.0}});
}

Json plan() {
  Json timeline = Json::array();
  timeline.push(planned_step("steady_state-1", "steady_state").set("within_s", 30.0));
  timeline.push(planned_step("block-2", "fault")
                    .set("targets", Json::array().push("west-to-store"))
                    .set("fault", "block")
                    .set("summary", "cuts every link of a region")
                    .set("reversal", "exact")
                    .set("rights", "the control socket of its proxy"));
  timeline.push(planned_step("lost", "fault")
                    .set("targets", Json::array().push("store"))
                    .set("fault", "lose-data")
                    .set("summary", "leaves a valid database without tables")
                    .set("reversal", "saved_copy"));
  return Json::object(
      {{"playbook", Json::object({{"name", "shop"}, {"sha256", kExampleDigest}})},
       {"environment", "staging"},
       {"timeline", std::move(timeline)},
       {"load", Json::array().push(Json::object({{"name", "checkout"},
                                                 {"rate", 200.0},
                                                 {"arrivals", "constant"},
                                                 {"timeout_s", 1.0},
                                                 {"method", "PUT"},
                                                 {"url", "http://127.0.0.1:8080/orders/{key}"},
                                                 {"ledger", true},
                                                 {"cleanup", "DELETE /orders?drill={drill}"}}))},
       {"probes", Json::array().push(Json::object({{"name", "shop-answers"},
                                                   {"kind", "http"},
                                                   {"every_s", 0.5},
                                                   {"timeout_s", 0.4},
                                                   {"arguments", Json::object()}}))},
       {"limits",
        Json::object({{"targets", 2},
                      {"writes", 50000},
                      {"duration_s", 600.0},
                      {"stop_when", Json::array().push(Json::object(
                                        {{"probe", "shop-answers"}, {"fails_for_s", 90.0}}))}})}});
}

}  // namespace

JournalMaker::JournalMaker()
    : chain_(std::string(kExampleDrill), "3c1f0e5e-boot", std::string(kChainStart)),
      boot_start_(std::chrono::hours(5)) {}

std::string JournalMaker::utc(double at_s) const { return rfc3339(kStart + from_seconds(at_s)); }

std::int64_t JournalMaker::nanoseconds(double at_s) const {
  return (boot_start_ + from_seconds(at_s)).time_since_epoch().count();
}

void JournalMaker::event(double at_s, std::string_view type, Json data) {
  const Duration since = from_seconds(at_s);
  const auto line = chain_.line({boot_start_ + since, kStart + since}, type, data);
  lines_.push_back(line.line);
  chain_.advance(line);
}

void JournalMaker::reboot() {
  chain_ = Chain(std::string(kExampleDrill), "another-boot", chain_.head(), chain_.count());
  boot_start_ = Instant(std::chrono::seconds(9));
}

void JournalMaker::close() {
  const double at = 61.5;
  event(at, kClosing, Json::object({{"events", chain_.count() + 1}}));
}

void JournalMaker::planned(const Json& changes) {
  Json data = Json::object(
      {{"gameday", "1"},
       {"version", "0.1.0"},
       {"operator", "mara"},
       {"environment", "staging"},
       {"seed", 7},
       {"playbook",
        Json::object({{"name", "shop-survives-losing-its-store"},
                      {"summary",
                       "One region is cut off, then the store is lost; orders go on through the "
                       "other region and every acknowledged order is there afterwards."},
                      {"owner", "payments-sre"},
                      {"sha256", kExampleDigest},
                      {"git", Json::object({{"commit", "8c19778"}, {"dirty", false}})},
                      {"vars", Json::object({{"rate", "200/s"}})}})},
       {"plan_sha256", kExampleDigest},
       {"plan", plan()}});
  for (const auto& [name, value] : changes.members()) data.set(name, value);
  event(0, "planned", data);
}

void JournalMaker::step(double at_s, std::string_view id, std::string_view kind,
                        std::string_view what, bool ok) {
  Json data = Json::object({{"id", id}, {"step", kind}, {"what", what}});
  if (what == "ended") data.set("ok", ok);
  event(at_s, "step", data);
}

std::string JournalMaker::mark_of(std::string_view id) const {
  return std::string(kExampleDrill) + "-" + std::string(id);
}

void JournalMaker::deed(double at_s, std::string_view id, std::string_view kind,
                        std::string_view target) {
  kinds_.emplace_back(id, kind);
  event(at_s, "deed",
        Json::object({{"deed", mark_of(id)},
                      {"id", id},
                      {"kind", kind},
                      {"target", target},
                      {"targets", Json::array().push(target)},
                      {"instances", Json::array().push("process 4711")},
                      {"arguments", Json::object()},
                      {"holds_data", kind == "lose-data" || kind == "restore"},
                      {"undo", Json::object({{"kind", kind},
                                             {"arguments", Json::object({{"target", target}})}})},
                      {"not_after_ns", nanoseconds(at_s + 60)},
                      {"inject_deadline_ns", nanoseconds(at_s + 15)}}));
}

void JournalMaker::deed_event(double at_s, std::string_view type, std::string_view id, Json more) {
  const auto kind = std::ranges::find(kinds_, id, &std::pair<std::string, std::string>::first);
  Json data = Json::object(
      {{"deed", mark_of(id)}, {"id", id}, {"kind", kind == kinds_.end() ? "" : kind->second}});
  for (const auto& [name, value] : more.members()) data.set(name, value);
  event(at_s, type, data);
}

void JournalMaker::sample(double at_s, bool ok, std::string_view text, std::string_view probe) {
  event(at_s, "sample",
        Json::object({{"probe", probe},
                      {"start_ns", nanoseconds(at_s)},
                      {"end_ns", nanoseconds(at_s + (ok ? 0.002 : 0.4))},
                      {"ok", ok},
                      {"text", text}}));
}

void JournalMaker::link(double at_s, std::string_view name, std::int64_t accepted,
                        std::int64_t bytes_up) {
  event(at_s, "link",
        Json::object({{"link", name},
                      {"at_ns", nanoseconds(at_s)},
                      {"accepted", accepted},
                      {"bytes_up", bytes_up},
                      {"bytes_down", bytes_up}}));
}

void JournalMaker::window(double at_s, int ok, int errors, double p50_s, double p99_s) {
  event(at_s, "window",
        Json::object({{"load", "checkout"},
                      {"from_ns", nanoseconds(at_s)},
                      {"due", ok + errors},
                      {"sent", ok + errors},
                      {"ok", ok},
                      {"errors", errors},
                      {"p50_s", p50_s},
                      {"p99_s", p99_s},
                      {"send_lag_p99_s", 0.0002},
                      {"marked", false}}));
}

}  // namespace gameday
