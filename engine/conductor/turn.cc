#include "engine/conductor/turn.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/playbook/invariants.h"

namespace gameday {

Drill::Drill(Plan from) : plan(std::move(from)) {
  for (const auto& planned : plan.steps) {
    steps.push_back({planned.step.id, planned.step.kind, {}, {}, false});
  }
  for (const auto& probe : plan.playbook->probes) {
    ProbeState& state = probes[probe.name];
    state.every = probe.every;
    state.timeout = probe.timeout;
    state.failures = probe.failures;
    state.successes = probe.successes;
    state.during = probe.during;
  }
  for (const auto& load : plan.playbook->loads) {
    DeedState deed;
    deed.deed = {"load-" + load.name, "load", load.name, Json::object()};
    deed.mark = plan.drill + "-" + std::to_string(deeds.size() + 1);
    deeds.push_back(std::move(deed));
  }
}

std::vector<FaultSpan> Drill::spans() const {
  std::vector<FaultSpan> found;
  for (const auto& deed : deeds) {
    if (!deed.is_fault || !deed.injected) continue;
    FaultSpan span{deed.step_id, deed.begun->boot, {}, {}};
    if (deed.proven) span.proven = deed.proven->boot;
    if (deed.reverted) span.reverted = deed.reverted->boot;
    found.push_back(span);
  }
  return found;
}

bool Drill::fault_lives() const {
  return std::ranges::any_of(
      deeds, [](const auto& d) { return d.is_fault && d.stage == Stage::proven && !d.undoing; });
}

bool Drill::fault_open() const {
  return std::ranges::any_of(deeds, [](const auto& d) { return d.is_fault && d.open(); });
}

std::vector<DrillCommand> step(Drill& drill, Now now, const Happening& happening) {
  std::vector<DrillCommand> out;
  drill.now = now;
  Turn turn(drill, now, out);
  std::visit([&](const auto& event) { turn.on(event); }, happening);
  turn.revert_once_halted();
  turn.ask_probes();
  return out;
}

void Turn::enter(Phase phase) {
  if (d.phase == phase) return;
  GD_ASSERT(may_follow(d.phase, phase));
  d.phase = phase;
  record("phase", Json::object({{"phase", name_of(phase)}}));
}

TaskId Turn::run(Task task) {
  task.id = ++d.last_task;
  task.lane = lane_;
  if (task.op == Op::undo) d.deeds[task.deed].undoing = true;
  d.tasks.emplace(task.id, task);
  out_.emplace_back(task);
  return task.id;
}

TimerId Turn::wake(Instant at) {
  out_.emplace_back(Wake{++d.last_timer, at});
  return d.last_timer;
}

void Turn::record(std::string_view type, Json data) {
  out_.emplace_back(Record{std::string(type), std::move(data)});
}

void Turn::reason(int code, std::string text) { d.reasons.push_back({code, std::move(text)}); }

int Turn::blame() const { return d.any_injected ? 6 : 3; }

std::string Turn::called(const DeedState& deed) const {
  if (deed.deed.kind == "load") return "load " + deed.deed.target;
  const std::string name = deed.is_action ? "action " + deed.deed.action : deed.deed.kind;
  return name + " (step " + deed.step_id + ")";
}

void Turn::on(const Begun&) {
  d.began = now_;
  Task task;
  task.op = Op::system_start;
  task.deadline = now_.boot + Deadlines::system;
  run(std::move(task));
}

void Turn::on(const Done& done) {
  const auto found = d.tasks.find(done.task);
  GD_ASSERT(found != d.tasks.end());
  const Task task = std::move(found->second);
  d.tasks.erase(found);
  lane_ = task.lane;
  switch (task.op) {
    case Op::system_start: return system_started(done);
    case Op::invariants:
      return d.phase == Phase::starting ? invariants_begun(done) : verify_task_done(task, done);
    case Op::end_loads:
    case Op::drain:
    case Op::read_back:
    case Op::summarise: return verify_task_done(task, done);
    case Op::system_stop:
      if (!done.status) {
        d.residue.push_back({"the system that this drill started: " + done.status.error().text,
                             "stop it by its own command"});
      }
      return finish();
    case Op::forget_backups: return backups_forgotten(done);
    default: return deed_task_done(task, done);
  }
}

void Turn::system_started(const Done& done) {
  if (const auto* up = std::get_if<SystemUp>(&done.value)) {
    d.started_system = up->started_here;
    for (auto& planned : d.plan.steps) {
      for (const auto& instance : up->instances) {
        const auto& names = planned.targets;
        if (std::ranges::find(names, instance.target) != names.end()) {
          planned.instances.push_back(instance);
        }
      }
    }
  }
  if (!done.status && !d.stop) reason(3, done.status.error().text);
  if (!done.status || d.stop) return close();
  if (!invariants_of(d.plan.playbook->system).empty()) return read_invariants();
  enter(Phase::loading);
  start_next_load();
}

void Turn::start_next_load() {
  if (d.stop) return start_reverting();
  if (d.loads_started == d.plan.playbook->loads.size()) return begin_timeline();
  prepare(d.loads_started);
}

void Turn::begin_timeline() {
  enter(Phase::running);
  d.first_step = now_;
  watch_probes();
  begin_step();
}

void Turn::on(const Woken& woken) {
  for (lane_ = 0; lane_ < d.lanes.size(); ++lane_) {
    if (woken.timer == lane().step_timer) return step_timer_fired();
    if (woken.timer == lane().late_timer) return late_look();
    if (woken.timer != lane().retry_timer || lane().to_undo.empty()) continue;
    run(undo_task(lane().deed));
    return;
  }
  lane_ = 0;
  if (woken.timer == d.watch_timer) {
    watch_probes();
  } else if (woken.timer == d.limit_timer && d.fault_open()) {
    stop_now({StopBy::limit, "limits.duration is over with a fault still in force", "", now_.boot});
  }
}

void Turn::on(const StopAsked& asked) { stop_now(asked); }

void Turn::on(const LoadProblem& problem) {
  stop_now({StopBy::limit, "load " + problem.load + ": " + problem.text, "", now_.boot});
}

void Turn::stop_now(const StopAsked& asked) {
  if (d.stop) {
    // A second request by a person shortens waits; undoing goes on as it was.
    if (asked.by == StopBy::person) d.hurried = true;
    if (d.hurried && d.phase == Phase::settling && lane().steady) steady_over(false);
    return;
  }
  if (d.phase >= Phase::closing) return;
  d.stop = StopState{asked, now_, {}};
  record("stop", Json::object({{"by", name_of(asked.by)}, {"reason", asked.reason}}));
  reason(4, asked.reason);
  if (d.phase <= Phase::running) break_off();
}

// Ends what is going on in any lane, unless it is what puts something back: an undo, or a restore
// into place, goes on to its own end, and the turn after it sees the stop.
void Turn::break_off() {
  for (const auto& [id, task] : d.tasks) {
    const std::size_t at = d.lanes[task.lane].step;
    const bool in_restore =
        d.phase == Phase::running && at < d.steps.size() && d.steps[at].kind == StepKind::restore;
    const bool restoring = in_restore && task.op != Op::prepare && task.op != Op::restore_scratch;
    const bool undoing = task.op == Op::undo || task.op == Op::look || task.op == Op::close;
    if (!restoring && !undoing) out_.emplace_back(Cancel{id});
  }
  for (auto& lane : d.lanes) {
    lane.steady.reset();
    lane.step_timer = 0;
    lane.asked.reset();
  }
  // Not even the system was asked for yet: there is nothing to put back.
  if (d.phase == Phase::starting && d.tasks.empty()) close();
}

// A drill that goes no further waits until all that was under way has answered, in every lane, and
// undos between two tries have come to their end: then the rest is undone, newest first.
void Turn::revert_once_halted() {
  const bool may = d.phase == Phase::loading || d.phase == Phase::running;
  if (!may || !halted() || !d.tasks.empty()) return;
  if (std::ranges::any_of(d.lanes, [](const Lane& lane) { return !lane.to_undo.empty(); })) return;
  start_reverting();
}

void Turn::on(const JournalFailed& failed) {
  const StopAsked asked{StopBy::journal, "the journal cannot be written: " + failed.error.text, "",
                        now_.boot};
  const auto found = failed.task ? d.tasks.find(*failed.task) : d.tasks.end();
  if (found == d.tasks.end()) return stop_now(asked);
  const Task task = std::move(found->second);
  d.tasks.erase(found);
  stop_now(asked);
  lane_ = task.lane;
  const bool scratch = task.op == Op::restore_scratch && task.deed != kNoDeed;
  if (task.op == Op::inject || scratch) {
    // It was done, or half of it, and nothing says so: its undo is on disk, and owed.
    DeedState& deed = d.deeds[task.deed];
    deed.uncertain = true;
    deed.injected = now_;
    d.any_injected = d.any_injected || deed.is_fault;
  }
  if (task.op == Op::prove && d.deeds[task.deed].proven_again) {
    run(undo_task(task.deed));
  }
}

std::string_view name_of(Op op) {
  switch (op) {
    case Op::system_start: return "system_start";
    case Op::invariants: return "invariants";
    case Op::prepare: return "prepare";
    case Op::inject: return "inject";
    case Op::prove: return "prove";
    case Op::still_bites: return "still_bites";
    case Op::undo: return "undo";
    case Op::look: return "look";
    case Op::close: return "close";
    case Op::backup: return "backup";
    case Op::restore_scratch: return "restore_scratch";
    case Op::replay: return "replay";
    case Op::end_loads: return "end_loads";
    case Op::drain: return "drain";
    case Op::read_back: return "read_back";
    case Op::summarise: return "summarise";
    case Op::forget_backups: return "forget_backups";
    case Op::system_stop: return "system_stop";
  }
  return "prepare";
}

Json to_json(const Person& person) {
  return Json::object({{"name", person.name}, {"uid", person.uid}, {"via", person.via}});
}

std::string_view name_of(StopBy by) {
  switch (by) {
    case StopBy::condition: return "condition";
    case StopBy::limit: return "limit";
    case StopBy::person: return "person";
    case StopBy::guardian: return "guardian";
    case StopBy::journal: return "journal";
  }
  return "person";
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::none: return "none";
    case Stage::preparing: return "preparing";
    case Stage::recorded: return "recorded";
    case Stage::injected: return "injected";
    case Stage::proven: return "proven";
    case Stage::undone: return "undone";
    case Stage::superseded: return "superseded";
    case Stage::residue: return "residue";
  }
  return "none";
}

}  // namespace gameday
