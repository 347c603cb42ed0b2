#include "cli/doing.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/base/text.h"
#include "engine/playbook/check.h"

namespace gameday {
namespace {

std::string_view words_for(Op op) {
  switch (op) {
    case Op::system_start: return "until the system is ready";
    case Op::prepare: return "reading the prior state";
    case Op::inject: return "injecting";
    case Op::prove: return "proving that it bites";
    case Op::still_bites: return "looking whether it has come back";
    case Op::undo: return "undoing";
    case Op::look: return "looking whether it is gone";
    case Op::close: return "erasing private files";
    case Op::backup: return "backing up";
    case Op::restore_scratch: return "restoring into a scratch copy";
    case Op::replay: return "having the queue replay";
    case Op::end_loads: return "ending the load";
    case Op::drain: return "until the queues are empty";
    case Op::invariants: return "reading the invariants";
    case Op::read_back: return "reading the ledger back";
    case Op::summarise: return "summing the load up";
    case Op::forget_backups: return "removing the drill's own backups";
    case Op::system_stop: return "stopping the system";
  }
  return "";
}

std::string of_task(const Drill& drill, const Task& task) {
  if (task.deed < drill.deeds.size()) {
    const auto& deed = drill.deeds[task.deed].deed;
    return deed.kind + (deed.target.empty() ? "" : " " + deed.target);
  }
  return task.target.empty() ? join(task.names, ", ") : task.target;
}

Doing of_work(const Drill& drill, const Task& task, Instant now) {
  Doing work{of_task(drill, task), std::string(words_for(task.op)), {}, ""};
  const Duration left = task.deadline - now;
  if (left > Duration{}) work.time = "at most " + brief(left);
  return work;
}

void take_time(Doing& what, Duration gone, Duration whole) {
  gone = std::clamp(gone, Duration{}, whole);
  what.fraction = whole > Duration{} ? seconds(gone) / seconds(whole) : 1.0;
  what.time = brief(gone) + " of " + brief(whole) + ", " + brief(whole - gone) + " left";
}

// Since when all of them are good; none: one is bad, or has not answered.
std::optional<Instant> good_since(const Drill& drill, const std::vector<std::string>& probes) {
  std::optional<Instant> since;
  for (const auto& name : probes) {
    const auto found = drill.probes.find(name);
    if (found == drill.probes.end() || !found->second.since_ok || found->second.since_bad) {
      return {};
    }
    since = std::max(since.value_or(*found->second.since_ok), *found->second.since_ok);
  }
  return since;
}

void wait_for_steady(Doing& what, const Drill& drill, const Step& terms, Instant since,
                     Instant now) {
  const auto good = good_since(drill, terms.names);
  const Duration gone = good ? now - std::max(*good, since) : Duration{};
  take_time(what, gone, terms.steady_for);
  what.state = good ? "steady" : "not steady";
  const Duration patience = since + std::max(terms.within, terms.steady_for) - now;
  if (!good) what.time = "needs " + brief(terms.steady_for) + ", waits " + brief(patience);
}

const DeedState* deed_of(const Drill& drill, std::string_view step) {
  const auto found = std::ranges::find(drill.deeds, step, &DeedState::step_id);
  return found == drill.deeds.end() ? nullptr : &*found;
}

std::string called(const Step& step) {
  const std::string target = step.target.empty() ? step.arguments.text("region") : step.target;
  std::string text = step.id;
  const std::string kind(step.kind == StepKind::fault ? step.fault : name_of(step.kind));
  if (!text.starts_with(kind)) text += "  " + kind;
  if (step.kind == StepKind::steady_state) return text + " " + join(step.names, ", ");
  return text + (target.empty() ? "" : " " + target);
}

// The first task that works for this step, if there is one.
const Task* task_of(const Drill& drill, std::string_view step) {
  for (const auto& [id, task] : drill.tasks) {
    if (task.deed >= drill.deeds.size() || drill.deeds[task.deed].step_id == step) return &task;
  }
  return nullptr;
}

Doing of_step(const Drill& drill, const StepState& state, Instant now) {
  const auto* planned = planned_step(drill, state.id);
  Doing what{state.id, "", {}, ""};
  if (planned == nullptr || !state.started) return what;
  const Step& step = planned->step;
  const Instant since = state.started->boot;
  what.what = called(step);
  if (step.kind == StepKind::wait) take_time(what, now - since, step.steady_for);
  if (step.kind == StepKind::steady_state) wait_for_steady(what, drill, step, since, now);
  const DeedState* deed = deed_of(drill, step.id);
  const Task* task = task_of(drill, step.id);
  if (task != nullptr && !what.fraction) {
    const Doing work = of_work(drill, *task, now);
    what.state = work.state;
    what.time = work.time;
  } else if (step.hold && deed != nullptr && deed->proven && deed->open()) {
    take_time(what, now - deed->proven->boot, *step.hold);
    what.state = "held";
  }
  return what;
}

// How much of the least time that a step takes is over.
Duration gone_of(const Drill& drill, const StepState& state, Instant now) {
  const auto* planned = planned_step(drill, state.id);
  if (planned == nullptr || !state.started) return {};
  const Instant since = state.started->boot;
  if (state.kind == StepKind::steady_state) {
    const auto good = good_since(drill, planned->step.names);
    return good ? now - std::max(*good, since) : Duration{};
  }
  if (state.kind != StepKind::fault) return now - since;
  const DeedState* deed = deed_of(drill, state.id);
  return deed != nullptr && deed->proven ? now - deed->proven->boot : Duration{};
}

std::size_t open_faults(const Drill& drill) {
  return static_cast<std::size_t>(std::ranges::count_if(
      drill.deeds, [](const auto& deed) { return deed.is_fault && deed.open(); }));
}

bool restores_now(const Drill& drill) {
  return std::ranges::any_of(drill.steps, [](const auto& step) {
    return step.kind == StepKind::restore && step.started && !step.ended;
  });
}

}  // namespace

const PlannedStep* planned_step(const Drill& drill, std::string_view id) {
  const auto found = std::ranges::find_if(
      drill.plan.steps, [id](const auto& planned) { return planned.step.id == id; });
  return found == drill.plan.steps.end() ? nullptr : &*found;
}

std::string brief(Duration d) {
  const double s = std::max(0.0, seconds(d));
  char text[32];
  if (s < 9.95) {
    std::snprintf(text, sizeof text, "%.1fs", s);
  } else if (s < 99.5) {
    std::snprintf(text, sizeof text, "%.0fs", s);
  } else {
    const auto whole = std::llround(s);
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  }
  return text;
}

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::vector<Doing> doing(const Drill& drill, const WatchedDrill& watched, Instant now) {
  std::vector<Doing> found;
  if (drill.phase == Phase::running) {
    for (const auto& state : drill.steps) {
      if (state.started && !state.ended) found.push_back(of_step(drill, state, now));
    }
    return found;
  }
  const Step* terms = drill.plan.last_steady_state();
  if (drill.phase == Phase::settling && terms != nullptr) {
    Doing what{"steady again: " + join(terms->names, ", "), "", {}, ""};
    wait_for_steady(what, drill, *terms, watched.phase_since, now);
    found.push_back(what);
    return found;
  }
  for (const auto& [id, task] : drill.tasks) found.push_back(of_work(drill, task, now));
  return found;
}

std::size_t steps_begun(const Drill& drill) {
  return static_cast<std::size_t>(std::ranges::count_if(
      drill.steps, [](const auto& step) { return step.started.has_value(); }));
}

Duration least_left(const Drill& drill, const WatchedDrill& watched, Instant now) {
  const Step* again = drill.plan.last_steady_state();
  Duration left{};
  if (drill.phase < Phase::settling && again != nullptr) left += again->steady_for;
  if (drill.phase == Phase::settling && again != nullptr) {
    const auto good = good_since(drill, again->names);
    const Duration gone = good ? now - std::max(*good, watched.phase_since) : Duration{};
    left += std::max(Duration{}, again->steady_for - gone);
  }
  if (drill.phase > Phase::running || drill.stop || drill.timeline_failed) return left;
  const auto& timeline = drill.plan.playbook->timeline;
  for (const auto& state : drill.steps) {
    const auto step = std::ranges::find(timeline, state.id, &Step::id);
    if (step == timeline.end() || state.ended) continue;
    const auto index = static_cast<std::size_t>(step - timeline.begin());
    const Duration least = least_duration(timeline, index);
    left += std::max(Duration{}, least - gone_of(drill, state, now));
  }
  return left;
}

std::string what_a_stop_does(const Drill& drill) {
  if (drill.hurried) return "stopping: waits are shortened, no undo is left out";
  const std::size_t faults = open_faults(drill);
  std::string does;
  if (drill.phase <= Phase::running && restores_now(drill)) does = "lets the restore end, ";
  if (drill.phase < Phase::running) {
    does += "ends the drill, nothing is injected";
  } else if (drill.phase <= Phase::reverting && faults > 0) {
    does += "undoes " + counted(faults, "fault") + ", then verifies";
  } else if (drill.phase <= Phase::verifying) {
    does += "ends the drill, then verifies";
  } else if (drill.phase == Phase::cleaning) {
    does += "ends the drill as stopped, cleaned up";
  } else {
    return "Ctrl-C: nothing more, the drill is closing";
  }
  if (drill.stop) return "stopping: " + does + "; Ctrl-C: shortens waits";
  return "Ctrl-C: " + does + "; again: shortens waits";
}

}  // namespace gameday
