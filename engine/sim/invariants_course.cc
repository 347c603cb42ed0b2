// The course of a drill: stops, steady states, and that it goes on.
#include <algorithm>
#include <map>
#include <set>

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

// What a probe's attempts amount to, by as many in a row as its terms ask for.
class Standing {
 public:
  explicit Standing(const ProbeSpec& probe) : probe_(&probe) {}

  void take(const Attempt& attempt) {
    if (length_ == 0 || attempt.ok != ok_) {
      length_ = 0;
      start_ = attempt.start;
    }
    ok_ = attempt.ok;
    ++length_;
    if (ok_ && length_ >= probe_->successes) {
      good_ = true;
      failing_since_.reset();
    } else if (!ok_ && length_ >= probe_->failures) {
      good_ = false;
      if (!failing_since_) failing_since_ = start_;
    }
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] const std::optional<Instant>& failing_since() const { return failing_since_; }

 private:
  const ProbeSpec* probe_;
  bool ok_ = false, good_ = false;
  std::int64_t length_ = 0;
  Instant start_;
  std::optional<Instant> failing_since_;
};

// Was that probe good in the time before `at`, with no more failures in a row than it may have, and
// was it asked? One that is asked seldom may have had its last attempt a little before.
bool held_before(const RehearsalTrail& evidence, const std::string& name, Instant at,
                 Duration time) {
  const ProbeSpec* probe = evidence.playbook.probe(name);
  if (probe == nullptr) return false;
  const Duration seldom = std::max(time, probe->every + probe->timeout);
  bool seen = false;
  Standing standing(*probe);
  for (const auto& event : evidence.events) {
    if (event.type != "sample" || event.data.text("probe") != name) continue;
    const Attempt attempt = attempt_of(event);
    if (attempt.end > at) break;
    standing.take(attempt);
    if (attempt.end < at - seldom) continue;
    seen = true;
    if (!attempt.ok && standing.failing_since() && attempt.end >= at - time) return false;
  }
  return seen && standing.good();
}

const Step* last_steady_state(const RehearsalTrail& evidence) {
  const Step* last = nullptr;
  for (const auto& step : evidence.playbook.timeline) {
    if (step.kind == StepKind::steady_state) last = &step;
  }
  return last;
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
  std::map<std::string, Standing> standings;
  for (const auto& probe : evidence.playbook.probes) standings.emplace(probe.name, probe);
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
    Standing& standing = standings.at(probe);
    standing.take(attempt);
    if (attempt.ok || !standing.failing_since()) continue;
    for (const auto& stop : evidence.playbook.limits.stop_when) {
      const bool met = attempt.end - *standing.failing_since() >= stop.fails_for;
      if (stop.probe != probe || !running || !met) continue;
      due = "probe " + probe + " failed for " + shown(stop.fails_for) + ", and nothing stopped";
    }
  }
  return "";
}

namespace {

// What of the drill goes on, in which a probe may be asked that is not always.
struct Goings {
  std::set<std::string> faults;    // marks of those that were proven and not undone
  std::set<std::string> steadies;  // steps; "" the one at the end

  void see(const Event& event) {
    const std::string id = event.data.text("id");
    const bool held = event.data.boolean("held", false);
    if (event.type == "proof" && held) faults.insert(event.data.text("deed"));
    if (event.type == "undo" || event.type == "gone") faults.erase(event.data.text("deed"));
    if (event.type == "superseded") {
      for (const auto& mark : event.data.items("deeds")) faults.erase(mark.text());
    }
    if (event.type == "step" && event.data.text("step") == "steady_state") {
      event.data.text("what") == "started" ? (void)steadies.insert(id) : (void)steadies.erase(id);
    }
    // A stop ends the steps; the steady state at the end is waited for all the same.
    if (event.type == "stop")
      std::erase_if(steadies, [](const auto& step) { return !step.empty(); });
    if (event.type == "settled") steadies.erase("");
    if (event.type == "phase" && event.data.text("phase") == "settling") steadies.insert("");
  }
};

}  // namespace

std::string probes_in_their_time(const RehearsalTrail& evidence) {
  Goings on;
  for (const auto& event : evidence.events) {
    on.see(event);
    if (event.type != "sample") continue;
    const ProbeSpec* probe = evidence.playbook.probe(event.data.text("probe"));
    if (probe == nullptr) return "a probe that the playbook does not have";
    const bool outside = (probe->during == During::fault && on.faults.empty()) ||
                         (probe->during == During::edge && on.steadies.empty());
    if (outside) {
      return "probe " + probe->name + " was asked at event " + std::to_string(event.number) +
             ", outside of its time";
    }
  }
  return "";
}

// A step of the timeline, and the one at the end that no playbook writes, which has the terms of
// the last.
std::string steady_seen(const RehearsalTrail& evidence) {
  for (const auto& event : evidence.events) {
    const bool settled = event.type == "settled" && event.data.boolean("held", false);
    const bool ended = event.type == "step" && event.data.text("what") == "ended" &&
                       event.data.text("step") == "steady_state" && event.data.boolean("ok", false);
    if (!settled && !ended) continue;
    const Step* step =
        settled ? last_steady_state(evidence) : step_of(evidence, event.data.text("id"));
    if (step == nullptr) return "a step that the playbook does not have";
    for (const auto& probe : step->names) {
      // An attempt that was under way as the step began is not of it.
      const Duration time = step->steady_for - std::chrono::milliseconds(50);
      if (!held_before(evidence, probe, event.at, time)) {
        return (settled ? "the end's steady state" : "step " + step->id) +
               " ended well, and probe " + probe + " did not hold";
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
