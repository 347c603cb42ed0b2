// Lanes that run side by side, and the people whom a drill waits for.
#include <algorithm>
#include <map>

#include "engine/sim/invariants_parts.h"

namespace gameday {
namespace {

bool is_step(const Event& event, std::string_view what) {
  return event.type == "step" && event.data.text("what") == what;
}

// The one target that a fault counts for, however many links its region has.
std::string place_of(const Event& deed) {
  const std::string region = deed.data.get("arguments").text("region");
  return deed.data.text("target", "").empty() ? "region " + region : deed.data.text("target");
}

}  // namespace

// What was recorded after it must not be done.
std::string failure_obeyed(const RehearsalTrail& evidence) {
  bool failed = false;
  std::set<std::string> late;
  for (const auto& event : evidence.events) {
    if (is_step(event, "ended") && !event.data.boolean("ok", true)) failed = true;
    if (!failed) continue;
    if (event.type == "deed") late.insert(event.data.text("deed"));
    if (is_step(event, "started")) {
      return "step " + event.data.text("id") + " was begun after another one had failed";
    }
  }
  for (const auto& change : evidence.rehearsal.changes) {
    const bool begins =
        change.what == "injected" || change.what == "restored" || change.what == "performed";
    if (begins && late.contains(change.mark)) {
      return "deed " + change.mark + " was done after a step had failed";
    }
  }
  return "";
}

std::string lanes_joined(const RehearsalTrail& evidence) {
  std::set<std::string> well;
  for (const auto& event : evidence.events) {
    if (!is_step(event, "ended") || !event.data.boolean("ok", false)) continue;
    well.insert(event.data.text("id"));
    const Step* step = step_of(evidence, event.data.text("id"));
    if (step == nullptr) return "a step that the playbook does not have";
    for (std::size_t i = 1; i <= step->inner; ++i) {
      if (well.contains((step + i)->id)) continue;
      return "step " + step->id + " ended well, and " + (step + i)->id + " inside of it had not";
    }
  }
  return "";
}

// By what the system knows: a deed counts from its injection to its undoing. One that a restore has
// superseded was never undone, and is left out.
std::string limit_kept(const RehearsalTrail& evidence) {
  std::map<std::string, std::string> places;  // by mark, of faults alone
  for (const auto& event : evidence.events) {
    const std::string kind = event.data.text("kind");
    const bool fault = kind != "load" && kind != "restore" && kind != kActionKind;
    if (event.type == "deed" && fault) places[event.data.text("deed")] = place_of(event);
  }
  for (const auto& mark : superseded_marks(evidence)) places.erase(mark);
  std::map<std::string, std::string> standing;
  for (const auto& change : evidence.rehearsal.changes) {
    if (change.what == "injected" && places.contains(change.mark)) {
      standing[change.mark] = places[change.mark];
    } else {
      standing.erase(change.mark);
    }
    std::set<std::string> hit;
    for (const auto& [mark, place] : standing) hit.insert(place);
    if (static_cast<std::int64_t>(hit.size()) <= evidence.playbook.limits.targets) continue;
    return std::to_string(hit.size()) + " targets were under fault at once";
  }
  return "";
}

std::string approval_given(const RehearsalTrail& evidence) {
  std::set<std::string> given;
  for (const auto& event : evidence.events) {
    const bool counts = event.type == "answered" && event.data.boolean("counts", false);
    const Step* step = step_of(evidence, event.data.text("id"));
    if (counts && event.data.text("what") == "approved" && step != nullptr) {
      const bool by_operator = event.data.get("who").text("name") == kRehearsalOperator;
      if (!by_operator || !step->not_operator) given.insert(step->id);
    }
    if (!is_step(event, "ended") || !event.data.boolean("ok", false) || step == nullptr) continue;
    if (step->kind == StepKind::approve && !given.contains(step->id)) {
      return "step " + step->id + " was passed without an approval";
    }
  }
  return "";
}

std::string acknowledged_or_said(const RehearsalTrail& evidence) {
  std::set<std::string> said;
  for (const auto& event : evidence.events) {
    const Step* step = step_of(evidence, event.data.text("id"));
    const bool counts = event.type == "answered" && event.data.boolean("counts", false);
    if (counts) said.insert(event.data.text("id"));
    if (!is_step(event, "ended") || !event.data.boolean("ok", false) || step == nullptr) continue;
    const bool needed = step->kind == StepKind::human && step->on_timeout != OnTimeout::goes_on;
    if (needed && !said.contains(step->id)) {
      return "step " + step->id + " ended well, and nobody has acknowledged it";
    }
  }
  return "";
}

}  // namespace gameday
