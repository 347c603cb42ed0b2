// Parts of the result document, from the drill's state. Times of day follow from the drill's start,
// so that a clock that was set meanwhile bends none of them.
#include <algorithm>
#include <array>

#include "engine/conductor/turn.h"

namespace gameday {
namespace {

Json time_json(const Drill& drill, const std::optional<Now>& time) {
  return time ? Json(rfc3339(utc_of(drill, time->boot))) : Json();
}

Json texts(const std::vector<std::string>& all) {
  Json list = Json::array();
  for (const auto& one : all) list.push(one);
  return list;
}

}  // namespace

Utc utc_of(const Drill& drill, Instant at) { return drill.began.utc + (at - drill.began.boot); }

std::vector<Outage> all_outages(const Drill& drill) {
  std::vector<Outage> found;
  for (const auto& load : drill.loads) {
    found.insert(found.end(), load.outages.begin(), load.outages.end());
  }
  return found;
}

Json steps_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& step : drill.steps) {
    if (!step.started) continue;
    list.push(Json::object({{"id", step.id},
                            {"step", name_of(step.kind)},
                            {"started", time_json(drill, step.started)},
                            {"ended", time_json(drill, step.ended)},
                            {"ok", step.ok}}));
  }
  return list;
}

Json faults_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& deed : drill.deeds) {
    if (!deed.is_fault || !deed.injected) continue;
    list.push(Json::object({{"id", deed.step_id},
                            {"kind", deed.deed.kind},
                            {"targets", texts(deed.targets)},
                            {"instances", texts(deed.instances)},
                            {"injected", time_json(drill, deed.injected)},
                            {"proven", deed.proven.has_value()},
                            {"proof", deed.proof_event == 0 ? Json() : Json(deed.proof_event)},
                            {"reverted", time_json(drill, deed.reverted)},
                            {"undo", name_of(deed.stage)},
                            {"residue", deed.stage == Stage::residue}}));
  }
  return list;
}

Json loads_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& load : drill.loads) list.push(to_json(load));
  return list;
}

Json outages_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& load : drill.loads) {
    for (const auto& outage : load.outages) {
      list.push(to_json(outage, load.load, [&](Instant at) { return utc_of(drill, at); }));
    }
  }
  return list;
}

Json ledgers_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& ledger : drill.ledgers) list.push(to_json(ledger));
  return list;
}

Json backups_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& backup : drill.backups) {
    // The disaster is the first loss of this target's data after the backup was taken.
    Json age;
    for (const auto& deed : drill.deeds) {
      const std::string place = drill.plan.place_of(backup.taken.target);
      const bool same = std::ranges::find(deed.targets, place) != deed.targets.end();
      if (!deed.is_fault || !deed.holds_data || !deed.proven || !same) continue;
      if (age.is_null() && deed.proven->boot > backup.at) {
        age = seconds(deed.proven->boot - backup.at);
      }
    }
    list.push(Json::object({{"target", backup.taken.target},
                            {"id", backup.taken.id},
                            {"age_at_disaster_s", age},
                            {"sha256", backup.taken.sha256}}));
  }
  return list;
}

Json restores_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& restore : drill.restores) {
    if (!restore.done) continue;
    const Json& recovered = restore.restored.facts.get("recovered");
    const BackupTaken& backup = drill.backups.at(restore.backup).taken;
    Json one = Json::object({{"kind", backup.facts.text("kind")},
                             {"target", restore.target},
                             {"into", restore.into_place ? "place" : "scratch"},
                             {"backup", backup.id},
                             {"point_asked", recovered.get("asked")},
                             {"point_reached", recovered.get("time")},
                             {"took_s", restore.took_s},
                             {"vacuous", restore.restored.vacuous},
                             {"verified", restore.restored.verified}});
    if (recovered.is_object()) one.set("recovered", recovered);
    const Json& files = restore.restored.facts.get("files");
    if (files.is_object()) one.set("files", files);
    const Json& placed = restore.restored.facts.get("place");
    if (placed.is_object()) one.set("place", placed);
    list.push(std::move(one));
  }
  return list;
}

Json humans_json(const Drill& drill) {
  constexpr std::array<std::string_view, 5> kOutcomes{"none", "acknowledged", "approved", "refused",
                                                      "timed_out"};
  Json list = Json::array();
  for (const auto& note : drill.humans) {
    const bool approval = note.kind == StepKind::approve;
    Json one = Json::object({{"id", note.step_id}, {"step", name_of(note.kind)}});
    if (!approval) one.set("do", note.what).set("by", note.person);
    if (approval) one.set("role", note.person);
    one.set("asked", rfc3339(utc_of(drill, note.asked.boot)))
        .set("answered", time_json(drill, note.answered))
        .set("took_s",
             note.answered ? Json(seconds(note.answered->boot - note.asked.boot)) : Json())
        .set("outcome", kOutcomes[static_cast<std::size_t>(note.outcome)])
        .set("who", note.who ? to_json(*note.who) : Json())
        .set("reason", note.reason);
    list.push(std::move(one));
  }
  return list;
}

Json stop_json(const Drill& drill) {
  if (!drill.stop) return {};
  const auto& stop = *drill.stop;
  Json out = Json::object({{"by", name_of(stop.asked.by)},
                           {"reason", stop.asked.reason},
                           {"at", rfc3339(utc_of(drill, stop.at.boot))}});
  const bool by_condition = stop.asked.by == StopBy::condition;
  out.set("last_sample",
          by_condition ? Json(rfc3339(utc_of(drill, stop.asked.last_sample))) : Json());
  const Instant from = by_condition ? stop.asked.last_sample : stop.at.boot;
  out.set("undone_after_s", stop.undone ? Json(seconds(*stop.undone - from)) : Json());
  if (stop.asked.who) out.set("who", to_json(*stop.asked.who));
  return out;
}

Json residue_json(const Drill& drill) {
  Json list = Json::array();
  for (const auto& residue : drill.residue) {
    list.push(Json::object({{"what", residue.what}, {"by_hand", residue.by_hand}}));
  }
  return list;
}

}  // namespace gameday
