#include "reports/interrupted.h"

#include <ranges>

#include "engine/base/by_hand.h"
#include "reports/invariants.h"

namespace gameday {
namespace {

Json utc_of(const std::optional<Moment>& moment) { return moment ? Json(moment->utc) : Json(); }

Json list_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const auto& text : texts) list.push(text);
  return list;
}

Json reason(int code, std::string text) {
  return Json::object({{"code", code}, {"text", std::move(text)}});
}

std::string called(const DeedStory& deed) {
  if (deed.kind == "load") return "load " + deed.target + " (what it wrote is not deleted)";
  std::string name = deed.kind;
  if (!deed.target.empty()) name += " on " + deed.target;
  return name + " (step " + deed.id + ")";
}

Json residue_json(const Story& story) {
  Json list = Json::array();
  for (const auto& deed : std::views::reverse(story.deeds)) {  // as they are to be undone
    if (!deed.open) continue;
    std::string what = called(deed);
    if (!deed.residue.empty()) what += ": " + deed.residue;
    list.push(Json::object({{"what", what},
                            {"by_hand", revert_by_hand(story.planned.text("store"), story.drill) +
                                            "; its undo: " + deed.undo.dump()}}));
  }
  return list;
}

Json steps_json(const Story& story) {
  Json list = Json::array();
  for (const auto& step : story.steps) {
    list.push(Json::object({{"id", step.id},
                            {"step", step.step},
                            {"started", step.started.utc},
                            {"ended", utc_of(step.ended)},
                            {"ok", step.ok}}));
  }
  return list;
}

Json faults_json(const Story& story) {
  Json list = Json::array();
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault()) continue;
    list.push(Json::object({{"id", deed.id},
                            {"kind", deed.kind},
                            {"targets", list_of(deed.targets)},
                            {"instances", list_of(deed.instances)},
                            {"injected", utc_of(deed.injected)},
                            {"proven", deed.proven},
                            {"proof", deed.proof_event == 0 ? Json() : Json(deed.proof_event)},
                            {"reverted", utc_of(deed.reverted)},
                            {"undo", deed.stage()},
                            {"residue", deed.open}}));
  }
  return list;
}

// What each load or ledger was found to be, where that came before the end; the last one counts.
Json found_of(const Story& story, std::string_view type, std::string_view member,
              std::string_view name) {
  Json list = Json::array();
  for (const auto& note : story.notes) {
    const Json* found = note.data.find(member);
    if (note.type != type || found == nullptr) continue;
    Json kept = Json::array();
    for (const auto& other : list.items()) {
      if (other.text(name) != found->text(name)) kept.push(other);
    }
    list = kept.push(*found);
  }
  return list;
}

Json backups_json(const Story& story) {
  Json list = Json::array();
  for (const auto& note : story.notes) {
    const Json* backup = note.data.find("backup");
    if (note.type != "backup" || backup == nullptr) continue;
    list.push(Json::object({{"target", backup->text("target", note.data.text("target"))},
                            {"id", backup->text("id")},
                            {"age_at_disaster_s", Json()},
                            {"sha256", backup->text("sha256")}}));
  }
  return list;
}

Json stop_json(const Story& story) {
  Json last_gone;
  for (const auto& deed : story.deeds) {
    if (!deed.reverted || !story.taken_over || deed.reverted->at_s < story.taken_over->at_s)
      continue;
    const double after = deed.reverted->at_s - story.taken_over->at_s;
    if (last_gone.is_null() || after > last_gone.number()) last_gone = after;
  }
  const std::string by = story.taken_over_by.empty() ? "guardian" : story.taken_over_by;
  const std::string reason =
      story.taken_over ? "the runner did not end the drill; " + by + " took over"
                       : "the journal ends without a verdict: the runner died, or still runs";
  return Json::object({{"by", by},
                       {"reason", reason},
                       {"at", story.taken_over ? story.taken_over->utc : story.ended.utc},
                       {"last_sample", Json()},
                       {"undone_after_s", last_gone}});
}

Json recovery_json() {
  Json recovery = Json::object();
  for (const char* name : {"rto_s", "verified_s", "rpo_s", "detected_s", "acknowledged", "lost",
                           "duplicated", "unexpected"}) {
    recovery.set(name, Json());
  }
  return recovery;
}

struct Outcome {
  std::string verdict;
  int code = 0;
  Json reasons = Json::array();
  Json stop;
};

Outcome outcome_of(const Story& story, const Json& residue) {
  Outcome found;
  for (const auto& item : residue.items()) {
    found.reasons.push(
        reason(5, item.text("what") + " is not undone; by hand: " + item.text("by_hand")));
  }
  const bool left = !residue.items().empty();
  if (const Note* note = story.last_note("not_started"); note != nullptr && !left) {
    found.reasons.push(reason(3, note->data.text("reason")));
    found.verdict = "not_started";
    found.code = 3;
    return found;
  }
  found.stop = stop_json(story);
  const bool defect = story.taken_over_by == "runner";
  found.reasons.push(defect ? reason(70, "a defect in gameday ended the drill")
                            : reason(4, found.stop.text("reason")));
  for (const auto& deed : story.deeds) {
    if (deed.kind != "action" || deed.injected) continue;
    found.reasons.push(reason(6, "action " + deed.id + " was under way: whether it was done is " +
                                     "not known, and nothing undoes it"));
  }
  found.verdict = left ? "residue" : defect ? "defect" : "stopped";
  found.code = defect ? 70 : left ? 5 : 4;
  return found;
}

}  // namespace

Json interrupted_verdict(const Story& story) {
  Json residue = residue_json(story);
  Outcome outcome = outcome_of(story, residue);
  Json found = Json::object({{"verdict", outcome.verdict},
                             {"exit_code", outcome.code},
                             {"reasons", std::move(outcome.reasons)},
                             {"stop", std::move(outcome.stop)},
                             {"residue", std::move(residue)},
                             {"started", story.began.utc},
                             {"ended", story.ended.utc},
                             {"steps", steps_json(story)},
                             {"objectives", Json::array()},
                             {"faults", faults_json(story)},
                             {"load", found_of(story, "summarise", "load", "name")},
                             {"outages", Json::array()},
                             {"recovery", recovery_json()},
                             {"ledgers", found_of(story, "read_back", "ledger", "load")},
                             {"backups", backups_json(story)},
                             {"restores", Json::array()},
                             {"humans", Json::array()}});
  Json readings = readings_of(story);
  if (!readings.items().empty()) found.set("invariants", std::move(readings));
  return found;
}

}  // namespace gameday
