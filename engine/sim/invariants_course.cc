// The course of a drill: stops, steady states, and that it goes on.
#include <algorithm>
#include <map>

#include "engine/base/units.h"
#include "engine/sim/invariants_parts.h"

namespace gameday {
namespace {

// What may keep the first undo waiting: a deed that is being stopped, an undo that is tried again
// or looked at once more.
constexpr Duration kPromptly = std::chrono::seconds(4);

struct Attempt {
  Instant start, end;
  bool ok = false;
};

Attempt attempt_of(const Event& sample) {
  return {Instant(Duration(sample.data.integer("start_ns", 0))),
          Instant(Duration(sample.data.integer("end_ns", 0))), sample.data.boolean("ok", false)};
}

// Was every attempt of that probe good in the time before `at`, and was there one? A probe that is
// asked seldom may have had its last one a little before.
bool held_before(const RehearsalTrail& evidence, const std::string& name, Instant at,
                 Duration time) {
  const ProbeSpec* probe = evidence.playbook.probe(name);
  if (probe == nullptr) return false;
  const Duration seldom = std::max(time, probe->every + probe->timeout);
  bool seen = false;
  for (const auto& event : evidence.events) {
    if (event.type != "sample" || event.data.text("probe") != name) continue;
    const Attempt attempt = attempt_of(event);
    if (attempt.end < at - seldom || attempt.end > at) continue;
    seen = true;
    if (!attempt.ok && attempt.end >= at - time) return false;
  }
  return seen;
}

bool restoring(const RehearsalTrail& evidence, const Event& stop) {
  bool under_way = false;
  for (const auto& event : evidence.events) {
    if (event.number > stop.number) break;
    if (event.type != "step" || event.data.text("step") != "restore") continue;
    under_way = event.data.text("what") == "started";
  }
  return under_way;
}

}  // namespace

std::string stop_obeyed(const RehearsalTrail& evidence) {
  bool stopped = false;
  std::set<std::string> late;
  for (const auto& event : evidence.events) {
    if (event.type == "stop") stopped = true;
    if (!stopped) continue;
    if (event.type == "deed") late.insert(event.data.text("deed"));
    if (event.type == "step" && event.data.text("what") == "started") {
      return "step " + event.data.text("id") + " was begun after the stop";
    }
  }
  for (const auto& change : evidence.rehearsal.changes) {
    const bool begins =
        change.what == "injected" || change.what == "restored" || change.what == "performed";
    if (begins && late.contains(change.mark)) {
      return "deed " + change.mark + " was done after the stop";
    }
  }
  return "";
}

std::string stop_prompt(const RehearsalTrail& evidence) {
  const Event* stop = first_event(evidence, "stop");
  const auto& rehearsal = evidence.rehearsal;
  const bool disturbed = rehearsal.failures.freeze.at != Failures::kNever ||
                         rehearsal.failures.disk_full_from != Failures::kNever ||
                         rehearsal.failures.undo_fails + rehearsal.failures.undo_lies > 0;
  if (stop == nullptr || disturbed || rehearsal.end != RehearsalEnd::closed) return "";
  if (restoring(evidence, *stop)) return "";
  for (const auto& event : evidence.events) {
    if (event.number < stop->number || event.type != "undo") continue;
    if (event.data.text("kind") == "load") return "";
    const Duration after = event.at - stop->at;
    return after <= kPromptly ? "" : "the first undo came " + shown(after) + " after the stop";
  }
  return "";
}

std::string stop_undoes(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  if (rehearsal.end != RehearsalEnd::closed || first_event(evidence, "stop") == nullptr) return "";
  if (rehearsal.exit_code == 4 || rehearsal.exit_code == 5) return "";
  return "the drill was stopped, and its exit code is " + std::to_string(rehearsal.exit_code);
}

std::string restore_not_cancelled(const RehearsalTrail& evidence) {
  for (const auto& event : evidence.events) {
    const bool restore = event.type == "injected" && event.data.text("kind") == "restore";
    if (!restore && event.type != "replay") continue;
    if (event.data.text("error") == "stopped") {
      return "event " + std::to_string(event.number) + " (" + event.type + ") was cancelled";
    }
  }
  return "";
}

std::string stop_condition_met(const RehearsalTrail& evidence) {
  std::map<std::string, Instant> failing_since;
  bool running = false;
  std::string due;
  for (const auto& event : evidence.events) {
    // Whatever follows the sample that decided is the stop, or the runner's death.
    if (event.type == "stop" || event.data.find("by") != nullptr) return "";
    if (!due.empty()) return due;
    if (event.type == "phase") running = event.data.text("phase") == "running";
    if (event.type != "sample") continue;
    const std::string probe = event.data.text("probe");
    const Attempt attempt = attempt_of(event);
    if (attempt.ok) {
      failing_since.erase(probe);
      continue;
    }
    failing_since.emplace(probe, attempt.start);
    for (const auto& stop : evidence.playbook.limits.stop_when) {
      const bool met = attempt.end - failing_since.at(probe) >= stop.fails_for;
      if (stop.probe != probe || !running || !met) continue;
      due = "probe " + probe + " failed for " + shown(stop.fails_for) + ", and nothing stopped";
    }
  }
  return "";
}

std::string steady_seen(const RehearsalTrail& evidence) {
  for (const auto& event : evidence.events) {
    const bool ended = event.type == "step" && event.data.text("what") == "ended";
    if (!ended || event.data.text("step") != "steady_state") continue;
    if (!event.data.boolean("ok", false)) continue;
    const auto step =
        std::ranges::find(evidence.playbook.timeline, event.data.text("id"), &Step::id);
    if (step == evidence.playbook.timeline.end()) return "a step that the playbook does not have";
    for (const auto& probe : step->names) {
      // An attempt that was under way as the step began is not of it.
      const Duration time = step->steady_for - std::chrono::milliseconds(50);
      if (!held_before(evidence, probe, event.at, time)) {
        return "step " + step->id + " ended well, and probe " + probe + " did not hold";
      }
    }
  }
  return "";
}

std::string not_started_touches_nothing(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  const bool touched = std::ranges::any_of(rehearsal.changes, [](const Change& change) {
    return change.what == "injected" || change.what == "restored";
  });
  if (rehearsal.exit_code == 3 && touched) return "exit code 3, and something was injected";
  for (const auto& event : evidence.events) {
    const bool ended = event.type == "step" && event.data.text("what") == "ended";
    if (!ended) continue;
    const auto& timeline = evidence.playbook.timeline;
    const auto step = std::ranges::find(timeline, event.data.text("id"), &Step::id);
    // Inside of a parallel, something else may have been injected beside it.
    const bool alone = step != timeline.end() && !step->inside;
    const bool missed =
        alone && step->kind == StepKind::steady_state && !event.data.boolean("ok", true);
    if (missed && touched) return "the first steady state was missed, and something was injected";
    break;
  }
  return "";
}

std::string never_stuck(const RehearsalTrail& evidence) {
  const auto& rehearsal = evidence.rehearsal;
  // Only a deed of the system's that never returns may hold a drill up, until its not_after.
  const bool hung = rehearsal.failures.deed == DeedFailure::hangs;
  const bool stuck = rehearsal.message == "the runner waited for nothing" ||
                     rehearsal.message == "a deed was in force after its time";
  return stuck && !hung && !rehearsal.frozen ? rehearsal.message : "";
}

}  // namespace gameday
