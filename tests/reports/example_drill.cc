#include "tests/reports/example_drill.h"

#include <algorithm>
#include <cmath>

namespace gameday {
namespace {

Json range(double lo, double hi) { return Json::object({{"lo", lo}, {"hi", hi}}); }

Json objective(std::string_view name, Json wanted, Json measured, Json held, std::string_view why) {
  return Json::object({{"name", name},
                       {"objective", std::move(wanted)},
                       {"measured", std::move(measured)},
                       {"held", std::move(held)},
                       {"why", why}});
}

Json phase(std::string_view name, int due, int ok, double p99) {
  return Json::object(
      {{"phase", name},
       {"due", due},
       {"sent", due},
       {"late", 0},
       {"ok", ok},
       {"errors", due - ok},
       {"rate", 200.0},
       {"latency_s",
        Json::object(
            {{"p50", 0.0011}, {"p90", 0.002}, {"p99", p99}, {"p99.9", p99 * 2}, {"max", p99 * 3}})},
       {"send_lag_s", Json::object({{"p99", 0.0002}})},
       {"valid", true}});
}

// The last phase of a load of several requests, whose answers are checked.
Json checked_phase() {
  Json made = phase("lost", 3600, 1180, 1.0);
  const auto of = [](std::string_view name, int due, int ok) {
    return Json::object(
        {{"request", name}, {"due", due}, {"sent", due}, {"ok", ok}, {"errors", due - ok}});
  };
  made.set("requests", Json::array().push(of("browse", 2700, 1001)).push(of("order", 900, 179)));
  made.set(
      "failed_checks",
      Json::array().push(Json::object({{"check", "order: body_contains 'paid'"}, {"times", 312}})));
  return made;
}

Json ledger(int acknowledged, int lost) {
  const double lost_s = lost == 0 ? 0.0 : 4.31;
  return Json::object(
      {{"load", "checkout"},
       {"acknowledged", acknowledged},
       {"unknown", 3},
       {"lost", lost},
       {"stale", 0},
       {"duplicate", 0},
       {"phantom", 0},
       {"resurrected", Json()},
       {"corrupt", 0},
       {"recovered", 2},
       {"rpo_s",
        Json::object(
            {{"best", lost_s}, {"worst", lost_s}, {"hole_s", 0.0}, {"resolution_s", 0.005}})}});
}

Json step_row(const JournalMaker& maker, std::string_view id, std::string_view kind, double from,
              double to, bool ok = true) {
  return Json::object({{"id", id},
                       {"step", kind},
                       {"started", maker.utc(from)},
                       {"ended", maker.utc(to)},
                       {"ok", ok}});
}

Json fault_row(const JournalMaker& maker, std::string_view id, std::string_view kind,
               std::string_view target, double from, double to, std::string_view undo) {
  return Json::object({{"id", id},
                       {"kind", kind},
                       {"targets", Json::array().push(target)},
                       {"instances", Json::array().push("process 4711")},
                       {"injected", maker.utc(from)},
                       {"proven", true},
                       {"proof", 41},
                       {"reverted", undo == "residue" ? Json() : Json(maker.utc(to))},
                       {"undo", undo},
                       {"residue", undo == "residue"}});
}

Json outage_row(const JournalMaker& maker, std::string_view fault, double from, double to,
                double lo) {
  return Json::object({{"faults", Json::array().push(fault)},
                       {"from", maker.utc(from)},
                       {"to", maker.utc(to)},
                       {"rto_s", range(lo, to - from)},
                       {"source", "checkout"}});
}

Json verdict(const JournalMaker& maker, double to) {
  return Json::object({{"verdict", "passed"},
                       {"exit_code", 0},
                       {"reasons", Json::array().push(Json::object(
                                       {{"code", 0}, {"text", "every objective held"}}))},
                       {"stop", Json()},
                       {"residue", Json::array()},
                       {"started", maker.utc(0)},
                       {"ended", maker.utc(to)},
                       {"steps", Json::array()},
                       {"objectives", Json::array()},
                       {"faults", Json::array()},
                       {"load", Json::array()},
                       {"outages", Json::array()},
                       {"recovery", Json::object({{"rto_s", 0.0},
                                                  {"verified_s", Json()},
                                                  {"rpo_s", 0.0},
                                                  {"detected_s", Json()},
                                                  {"acknowledged", 14397},
                                                  {"lost", 0},
                                                  {"duplicated", 0},
                                                  {"unexpected", 0}})},
                       {"ledgers", Json::array().push(ledger(14397, 0))},
                       {"backups", Json::array()},
                       {"restores", Json::array()},
                       {"humans", Json::array()}});
}

// Clients between `bad_from` and `bad_to` get nothing; else all is well.
void second(JournalMaker& maker, double at, bool bad) {
  const double wave = 0.0012 + 0.0004 * std::sin(at);
  if (bad) {
    maker.window(at, 0, 200, 0.9, 1.0);
  } else {
    maker.window(at, 200, 0, wave, wave * 3.5);
  }
  for (const double half : {0.0, 0.5}) {
    maker.sample(at + half, !bad, bad ? "status 503, expected 200" : "status 200");
  }
}

void seconds_of(JournalMaker& maker, double from, double to, double bad_from, double bad_to) {
  for (double at = from; at < to; ++at) second(maker, at, at >= bad_from && at < bad_to);
}

void start(JournalMaker& maker) {
  maker.planned();
  maker.event(0, "begun", Json::object({{"drill", kExampleDrill}, {"seed", 7}}));
  maker.event(1, "system_start", Json::object({{"ok", true}, {"started_here", true}}));
  maker.event(1, "phase", Json::object({{"phase", "loading"}}));
  maker.deed(1.1, "load-checkout", "load", "checkout");
  maker.deed_event(1.2, "injected", "load-checkout", Json::object({{"ok", true}}));
  maker.event(1.2, "phase", Json::object({{"phase", "running"}}));
  maker.step(1.2, "steady_state-1", "steady_state", "started");
  seconds_of(maker, 2, 12, 0, 0);
  maker.step(12, "steady_state-1", "steady_state", "ended");
}

void fault(JournalMaker& maker, double at, std::string_view id, std::string_view kind,
           std::string_view target, std::string_view proof) {
  maker.step(at, id, "fault", "started");
  maker.deed(at, id, kind, target);
  maker.deed_event(at + 0.05, "injected", id, Json::object({{"ok", true}}));
  maker.deed_event(at + 0.1, "proof", id, Json::object({{"held", true}, {"text", proof}}));
}

void put_back(JournalMaker& maker, double at, std::string_view id, std::string_view seen) {
  maker.deed_event(at, "undo", id, Json::object({{"ok", true}, {"try", 1}, {"error", Json()}}));
  maker.deed_event(at + 0.02, "gone", id,
                   Json::object({{"held", true}, {"text", seen}, {"closes", true}}));
}

// As far as the lost store: one fault put back, a backup taken, the data gone.
void up_to_the_loss(JournalMaker& maker) {
  start(maker);
  fault(maker, 12, "block-2", "block", "west-to-store",
        "a connection through west-to-store got no answer in 200 ms");
  seconds_of(maker, 13, 27, 13, 14);
  put_back(maker, 27, "block-2", "west-to-store passes traffic again");
  maker.step(27.1, "block-2", "fault", "ended");
  maker.step(27.1, "backup-3", "backup", "started");
  maker.event(28, "backup",
              Json::object({{"ok", true},
                            {"target", "store"},
                            {"backup", Json::object({{"target", "store"},
                                                     {"id", "/srv/shop/backups/store-1.db"},
                                                     {"sha256", kExampleDigest}})}}));
  maker.step(28, "backup-3", "backup", "ended");
  fault(maker, 29, "lost", "lose-data", "store", "run/store.db is a valid database without tables");
  maker.step(29.2, "lost", "fault", "ended");
}

Json lists(Json first, Json second) { return Json::array().push(first).push(second); }

Json passed_verdict(const JournalMaker& maker) {
  Json document = verdict(maker, 61);
  Json steps = Json::array();
  steps.push(step_row(maker, "steady_state-1", "steady_state", 1.2, 12));
  steps.push(step_row(maker, "block-2", "fault", 12, 27.1));
  steps.push(step_row(maker, "lost", "fault", 29, 29.2));
  document.set("steps", std::move(steps));
  Json objectives = Json::array();
  objectives.push(objective("rto", 60.0, range(11.932, 12.417), true, ""));
  objectives.push(objective("rpo", 0.0, range(0.0, 0.0), true, ""));
  objectives.push(objective("success_rate", 0.995, 1.0, true, ""));
  objectives.push(objective("latency_p99", 0.25, 0.0041, true, ""));
  document.set("objectives", std::move(objectives));
  document.set("faults",
               lists(fault_row(maker, "block-2", "block", "west-to-store", 12.05, 27.02, "undone"),
                     fault_row(maker, "lost", "lose-data", "store", 29.05, 40, "superseded")));
  document.set("load", Json::array().push(
                           Json::object({{"name", "checkout"},
                                         {"phases", Json::array()
                                                        .push(phase("steady", 8000, 8000, 0.0041))
                                                        .push(phase("block-2", 3000, 2800, 0.92))
                                                        .push(checked_phase())}})));
  document.set("outages", lists(outage_row(maker, "block-2", 12.98, 14.01, 0.82),
                                outage_row(maker, "lost", 29.03, 41.447, 11.932)));
  Json recovery = document.get("recovery");
  document.set("recovery", recovery.set("rto_s", 12.417).set("verified_s", 15.0));
  document.set("backups", Json::array().push(Json::object({{"target", "store"},
                                                           {"id", "/srv/shop/backups/store-1.db"},
                                                           {"age_at_disaster_s", 1.1},
                                                           {"sha256", kExampleDigest}})));
  document.set("restores", Json::array().push(Json::object({{"kind", "sqlite"},
                                                            {"target", "store"},
                                                            {"into", "place"},
                                                            {"backup", "store-1.db"},
                                                            {"point_asked", Json()},
                                                            {"point_reached", Json()},
                                                            {"took_s", 3.1},
                                                            {"vacuous", false},
                                                            {"verified", true}})));
  return document;
}

}  // namespace

std::vector<std::string> passed_drill() {
  JournalMaker maker;
  up_to_the_loss(maker);
  maker.step(29.2, "restore-5", "restore", "started");
  maker.deed(29.3, "restore-5", "restore", "store");
  seconds_of(maker, 30, 40, 30, 41);
  maker.deed_event(40, "injected", "restore-5", Json::object({{"ok", true}}));
  maker.event(40, "replay", Json::object({{"ok", true}, {"count", 2310}, {"target", "orders"}}));
  const std::string mark = std::string(kExampleDrill) + "-";
  maker.event(
      40.2, "superseded",
      Json::object({{"deeds", lists(mark + "lost", mark + "restore-5")}, {"by", "restore-5"}}));
  maker.step(40.2, "restore-5", "restore", "ended");
  maker.step(40.2, "steady_state-6", "steady_state", "started");
  seconds_of(maker, 41, 53, 41, 42);
  maker.step(53, "steady_state-6", "steady_state", "ended");
  maker.event(53, "phase", Json::object({{"phase", "reverting"}}));
  maker.event(53, "phase", Json::object({{"phase", "settling"}}));
  seconds_of(maker, 53, 59, 0, 0);
  maker.event(59, "phase", Json::object({{"phase", "verifying"}}));
  maker.event(60, "phase", Json::object({{"phase", "cleaning"}}));
  put_back(maker, 60.2, "load-checkout", "the list of this drill's orders is empty");
  maker.event(60.5, "phase", Json::object({{"phase", "closing"}}));
  maker.event(
      60.8, "evidence",
      Json::object({{"file", "ledger.jsonl"}, {"bytes", 4801221}, {"sha256", kExampleDigest}}));
  maker.event(61, "verdict", passed_verdict(maker));
  maker.event(61, "phase", Json::object({{"phase", "closed"}}));
  maker.close();
  return maker.lines();
}

std::vector<std::string> interrupted_drill(Guardian guardian) {
  JournalMaker maker;
  up_to_the_loss(maker);
  seconds_of(maker, 30, 33, 30, 41);
  if (guardian == Guardian::absent) return maker.lines();
  const Json by = Json::object({{"by", "guardian"}, {"ok", true}, {"try", 1}, {"error", Json()}});
  const Json gone =
      Json::object({{"by", "guardian"}, {"held", true}, {"text", "it is back"}, {"closes", true}});
  const bool fails = guardian == Guardian::fails_at_one;
  maker.deed_event(35.5, "undo", "lost",
                   !fails ? by
                          : Json::object({{"by", "guardian"},
                                          {"ok", false},
                                          {"try", 1},
                                          {"error", "the database is locked"}}));
  if (!fails) maker.deed_event(35.6, "gone", "lost", gone);
  maker.deed_event(35.7, "undo", "load-checkout", by);
  maker.deed_event(35.8, "gone", "load-checkout", gone);
  return maker.lines();
}

std::vector<std::string> not_started_drill() {
  JournalMaker maker;
  maker.planned();
  maker.event(0.4, "not_started",
              Json::object({{"reason", "target store: no such file: run/store.db"}}));
  maker.close();
  return maker.lines();
}

static Json asked_people(const JournalMaker& maker) {
  const Json mara = Json::object({{"name", "mara"}, {"uid", 1000}, {"via", "socket"}});
  return Json::array()
      .push(Json::object({{"id", "told"},
                          {"step", "human"},
                          {"do", "Tell the on-call engineer"},
                          {"by", "commander"},
                          {"asked", maker.utc(31)},
                          {"answered", maker.utc(39.5)},
                          {"took_s", 8.5},
                          {"outcome", "acknowledged"},
                          {"who", mara},
                          {"reason", ""}}))
      .push(Json::object({{"id", "go-on"},
                          {"step", "approve"},
                          {"role", "owner"},
                          {"asked", maker.utc(40)},
                          {"answered", Json()},
                          {"took_s", Json()},
                          {"outcome", "timed_out"},
                          {"who", Json()},
                          {"reason", ""}}));
}

std::vector<std::string> bad_drill() {
  JournalMaker maker;
  up_to_the_loss(maker);
  seconds_of(maker, 30, 45, 30, 46);
  const Json noah = Json::object({{"name", "noah"}, {"uid", 1001}, {"via", "socket"}});
  maker.event(44, "note", Json::object({{"who", noah}, {"text", "the pager <did> ring"}}));
  maker.event(44.5, "answered",
              Json::object({{"id", "go-on"},
                            {"what", "approved"},
                            {"role", "owner"},
                            {"reason", ""},
                            {"who", noah},
                            {"counts", false},
                            {"why", "the operator approves nothing alone"}}));
  maker.event(45, "stop",
              Json::object({{"by", "condition"}, {"reason", "probe shop-answers has failed"}}));
  maker.deed_event(45.1, "undo", "lost", Json::object({{"ok", false}, {"error", "<locked>"}}));
  maker.deed_event(46, "residue", "lost", Json::object({{"text", "the database is locked"}}));
  Json document = passed_verdict(maker);
  document.set("verdict", "residue").set("exit_code", 5);
  Json reasons = Json::array();
  reasons.push(Json::object({{"code", 5}, {"text", "lose-data (step lost): it is locked"}}));
  reasons.push(Json::object({{"code", 4}, {"text", "probe shop-answers has failed for 15s"}}));
  reasons.push(Json::object({{"code", 1}, {"text", "412 acknowledged writes are lost"}}));
  document.set("reasons", std::move(reasons));
  document.set("stop", Json::object({{"by", "condition"},
                                     {"reason", "probe shop-answers has failed for 15s"},
                                     {"at", maker.utc(45)},
                                     {"last_sample", maker.utc(44.9)},
                                     {"undone_after_s", 0.613}}));
  document.set("residue", Json::array().push(Json::object(
                              {{"what", "lose-data (step lost): the database is locked"},
                               {"by_hand", "gameday revert " + std::string(kExampleDrill)}})));
  document.set("objectives",
               lists(objective("rto", 10.0, range(11.932, 12.417), false,
                               "the longest outage took 11.932s at least"),
                     objective("success_rate", 0.995, Json(), Json(), "a fault was not proven")));
  document.set("ledgers", Json::array().push(ledger(13985, 412)));
  document.set("humans", asked_people(maker));
  Json recovery = document.get("recovery");
  document.set("recovery", recovery.set("lost", 412).set("rpo_s", 4.31).set("verified_s", Json()));
  maker.event(46, "verdict", document);
  maker.close();
  return maker.lines();
}

std::vector<std::string> long_drill(std::size_t events) {
  JournalMaker maker;
  start(maker);
  constexpr double kEnd = 612;
  double at = 12;
  for (; events == 0 ? at < kEnd : maker.lines().size() + 1 < events; ++at) {
    // Every other second another outcome: the most runs that strips can have.
    const bool bad = static_cast<int>(at) % 2 == 0;
    second(maker, at, bad);
    maker.window(at, bad ? 3 : 200, bad ? 197 : 0, 0.001 * at, 0.002 * at);
    for (const char* probe : {"front", "queue-depth", "replicas"}) {
      maker.sample(at, bad, "answer " + std::to_string(at), probe);
    }
  }
  maker.event(at, "verdict", passed_verdict(maker));
  return maker.lines();
}

}  // namespace gameday
