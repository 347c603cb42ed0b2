// A deed's way from the prior state to the proof. The order is the promise: the undo is on disk
// before anything is changed, because `prepared` asks for the injection only once its event is
// journaled.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/conductor/turn.h"

namespace gameday {

std::size_t Turn::add_deed(const PlannedStep& planned) {
  DeedState deed;
  deed.deed = planned.deed;
  deed.step_id = planned.step.id;
  deed.mark = d.plan.drill + "-" + std::to_string(d.deeds.size() + 1);
  deed.targets = planned.targets;
  for (const auto& instance : planned.instances) deed.instances.push_back(instance.shown);
  deed.holds_data = planned.holds_data;
  deed.is_fault = planned.step.kind == StepKind::fault;
  deed.is_action = planned.step.kind == StepKind::action;
  deed.is_scratch = planned.scratch_deed;
  deed.may_end_early = planned.may_end_early;
  deed.comes_back = planned.comes_back;
  d.deeds.push_back(std::move(deed));
  return d.deeds.size() - 1;
}

Task Turn::deed_task(std::size_t index, Op op, Duration patience) const {
  const DeedState& deed = d.deeds[index];
  Task task;
  task.op = op;
  task.deed = index;
  task.what = deed.deed;
  task.undo = deed.undo;
  task.mark = deed.mark;
  task.deadline = now_.boot + patience;
  return task;
}

void Turn::prepare(std::size_t index) {
  lane().deed = index;
  d.deeds[index].stage = Stage::preparing;
  Task task = deed_task(index, Op::prepare, Deadlines::prepare);
  if (d.deeds[index].deed.kind == "restore") task.backup = backup_of_step();
  run(std::move(task));
}

// From which the restore of this lane's step is made.
BackupTaken Turn::backup_of_step() const {
  const std::size_t backup = d.restores[lane().restore].backup;
  GD_ASSERT(backup < d.backups.size());
  return d.backups[backup].taken;
}

void Turn::deed_task_done(const Task& task, const Done& done) {
  switch (task.op) {
    case Op::prepare: return prepared(task, done);
    case Op::inject: return injected(task, done);
    case Op::prove: return proved(task, done);
    case Op::still_bites: return proved_after_restore(task, done);
    case Op::undo: return undone(task, done);
    case Op::look: return looked(task, done);
    case Op::close: return close_next();
    case Op::backup: return backed_up(done);
    case Op::restore_scratch: return scratch_restored(task, done);
    case Op::replay:
      if (!done.status) {
        return fail_step(1, "the queue did not replay: " + done.status.error().text);
      }
      return replay_or_finish();
    default: GD_ASSERT(false);
  }
}

void Turn::prepared(const Task& task, const Done& done) {
  DeedState& deed = d.deeds[task.deed];
  const bool load = deed.deed.kind == "load";
  if (!done.status) {
    deed.stage = Stage::none;
    if (halted()) return;
    const std::string text = called(deed) + " cannot be prepared: " + done.status.error().text;
    const bool restore = deed.deed.kind == "restore";
    if (!load) return fail_step(restore && d.any_injected ? 1 : blame(), text);
    reason(3, text);
    return start_reverting();
  }
  deed.undo = std::get<Undo>(done.value);
  deed.stage = Stage::recorded;
  deed.recorded = ++d.recorded_deeds;
  if (halted()) return;
  Task inject = deed_task(task.deed, Op::inject, Deadlines::inject);
  if (deed.deed.kind == "restore") {
    inject.deadline = *lane().deadline;
    inject.backup = backup_of_step();
  }
  if (deed.is_scratch) {
    inject.op = Op::restore_scratch;
    inject.target = deed.deed.target;
  }
  if (deed.is_action)
    inject.deadline = now_.boot + lane_step().deadline.value_or(Deadlines::action);
  deed.inject_deadline = inject.deadline;
  deed.begun = now_;
  run(std::move(inject));
}

void Turn::injected(const Task& task, const Done& done) {
  DeedState& deed = d.deeds[task.deed];
  deed.injected = now_;
  deed.uncertain = end_unknown(done.status);
  if (deed.deed.kind == "restore") return restore_injected(deed, task, done);
  if (deed.is_action) return performed(deed, task, done);
  if (deed.deed.kind != "load") return fault_injected(deed, task, done);
  if (!done.status) {
    if (!d.stop) reason(3, called(deed) + " cannot start: " + done.status.error().text);
    return start_reverting();
  }
  deed.stage = Stage::proven;
  d.loads_running.push_back(deed.deed.target);
  ++d.loads_started;
  start_next_load();
}

void Turn::fault_injected(DeedState& deed, const Task& task, const Done& done) {
  if (!d.any_injected) d.limit_timer = wake(now_.boot + d.plan.playbook->limits.duration);
  d.any_injected = true;
  if (!done.status) {
    deed.unproven = true;
    return fail_step(6, called(deed) + " could not be injected: " + done.status.error().text);
  }
  deed.stage = Stage::injected;
  if (halted()) return;
  run(deed_task(task.deed, Op::prove, Deadlines::prove));
}

void Turn::proved(const Task& task, const Done& done) {
  DeedState& deed = d.deeds[task.deed];
  if (deed.proven_again) return held_to_the_end(deed, task, done);
  if (halted()) return;
  if (deed.is_action) return action_proved(deed, done);
  const auto* proof = std::get_if<Proof>(&done.value);
  if (!done.status || proof == nullptr || !proof->held) {
    deed.unproven = true;
    const std::string seen = !done.status       ? done.status.error().text
                             : proof == nullptr ? "nothing was seen"
                                                : proof->text;
    return fail_step(6, called(deed) + " did not bite: " + seen);
  }
  deed.stage = Stage::proven;
  deed.proven = now_;
  const auto& hold = lane_step().hold;
  if (!hold) return end_step(true);
  lane().deed = task.deed;
  lane().step_timer = wake(now_.boot + *hold);
}

// What was intended and does not work is a failure of whoever was to do it, not of the evidence.
void Turn::performed(DeedState& deed, const Task& task, const Done& done) {
  if (halted()) return;
  if (!done.status) {
    return fail_step(d.any_injected ? 1 : 3,
                     called(deed) + " could not be done: " + done.status.error().text);
  }
  deed.stage = Stage::injected;
  run(deed_task(task.deed, Op::prove, Deadlines::prove));
}

void Turn::action_proved(DeedState& deed, const Done& done) {
  const auto* proof = std::get_if<Proof>(&done.value);
  const bool held = done.status && proof != nullptr && proof->held;
  if (held) {
    deed.stage = Stage::proven;
    deed.proven = now_;
    return end_step(true);
  }
  const std::string seen = !done.status       ? done.status.error().text
                           : proof == nullptr ? "nothing was seen"
                                              : proof->text;
  fail_step(d.any_injected ? 1 : 3, called(deed) + " was done and does not hold: " + seen);
}

// A lease that ended early took the fault with it, and nothing else would tell.
void Turn::held_to_the_end(DeedState& deed, const Task& task, const Done& done) {
  const auto* proof = std::get_if<Proof>(&done.value);
  if (!d.stop && (!done.status || proof == nullptr || !proof->held)) {
    deed.unproven = true;
    reason(6, called(deed) + " was gone before it was reverted");
  }
  run(deed_task(task.deed, Op::undo, Deadlines::undo));
}

void Turn::backed_up(const Done& done) {
  if (halted()) return;
  if (!done.status) {
    return fail_step(d.any_injected ? 1 : 3, "the backup failed: " + done.status.error().text);
  }
  d.backups.push_back({lane_step().id, std::get<BackupTaken>(done.value), now_.boot, {}});
  end_step(true);
}

void Turn::scratch_restored(const Task& task, const Done& done) {
  auto& note = d.restores[lane().restore];
  note.took_s = seconds(now_.boot - *note.started);
  if (task.deed != kNoDeed) {
    DeedState& deed = d.deeds[task.deed];
    deed.injected = now_;
    deed.uncertain = end_unknown(done.status);
    if (done.status) deed.stage = Stage::injected;
  }
  if (halted()) return;
  if (!done.status) {
    return fail_step(1, "the restore of " + task.target + " failed: " + done.status.error().text);
  }
  note.restored = std::get<Restored>(done.value);
  note.done = true;
  if (note.restored.vacuous || !note.restored.verified) {
    return fail_step(1, "the restore of " + task.target + " into scratch " +
                            (note.restored.vacuous ? "restored nothing" : "does not verify") +
                            (note.restored.text.empty() ? "" : ": " + note.restored.text));
  }
  if (task.deed != kNoDeed) return undo_all({task.deed});
  end_step(true);
}

void Turn::restore_injected(DeedState& deed, const Task& task, const Done& done) {
  auto& note = d.restores[lane().restore];
  note.took_s = seconds(now_.boot - *note.started);
  if (!done.status) {
    return fail_step(1, "the restore of " + task.what.target +
                            " into place failed: " + done.status.error().text);
  }
  deed.stage = Stage::injected;
  note.restored = std::get<Restored>(done.value);
  note.done = true;
  note.cutover = now_.boot;
  if (note.restored.vacuous || !note.restored.verified) {
    return fail_step(1, "the restore of " + task.what.target + " into place " +
                            (note.restored.vacuous ? "restored nothing" : "does not verify") +
                            (note.restored.text.empty() ? "" : ": " + note.restored.text));
  }
  deed.stage = Stage::proven;
  deed.proven = now_;
  const std::string& queue = lane_step().replay;
  if (queue.empty()) return replay_or_finish();
  Task replay;
  replay.op = Op::replay;
  replay.target = queue;
  replay.since = d.backups[note.backup].taken.taken;
  replay.deadline = *lane().deadline;
  run(std::move(replay));
}

Duration Turn::running_for(const std::string& load) const {
  for (const DeedState& deed : d.deeds) {
    const bool its = deed.deed.kind == "load" && deed.deed.target == load;
    if (its && deed.injected) return now_.boot - deed.injected->boot;
  }
  return {};
}

// After the replay the queue must have drained before the restore counts as verified.
void Turn::replay_or_finish() {
  const Step& step = lane_step();
  if (!step.replay.empty()) {
    Task drain;
    drain.op = Op::drain;
    drain.names = {step.replay};
    // The load goes on meanwhile, and what it sends passes through the same queue.
    double rate = 0;
    for (const auto& load : d.plan.playbook->loads) rate += load.curve().at(running_for(load.name));
    drain.tolerated = static_cast<std::int64_t>(rate / 4);
    drain.deadline = *lane().deadline;
    run(std::move(drain));
    return;
  }
  restore_holds();
}

// Of the faults from that one on, each that may have come back is asked, one after another.
void Turn::restore_holds(std::size_t from) {
  const Step& step = lane_step();
  const std::string place = d.plan.place_of(step.target);
  for (std::size_t index = from; index < d.deeds.size(); ++index) {
    const DeedState& deed = d.deeds[index];
    const bool same = std::ranges::find(deed.targets, place) != deed.targets.end();
    if (!deed.open() || !deed.comes_back || !same) continue;
    run(deed_task(index, Op::still_bites, Deadlines::prove));
    return;
  }
  supersede(place, step.id);
  if (std::ranges::any_of(d.deeds, &DeedState::came_back)) {
    give_up();
    return end_step(false);
  }
  d.verified_at = now_;
  if (!halted()) end_step(true);
}

// What was restored stays, and what the fault took is put back into it by the fault's own undo.
void Turn::proved_after_restore(const Task& task, const Done& done) {
  DeedState& deed = d.deeds[task.deed];
  const auto* proof = std::get_if<Proof>(&done.value);
  const bool known = done.status && proof != nullptr;
  deed.came_back = !known || proof->held;
  if (deed.came_back) {
    d.restores[lane().restore].restored.verified = false;
    const std::string brought = "the restore of " + lane_step().target +
                                " into place brought back what " + called(deed) + " did";
    const std::string why = done.status ? "nothing was seen" : done.status.error().text;
    if (!halted() && known) reason(1, brought + ": " + proof->text);
    if (!halted() && !known) reason(6, "whether " + brought + " is not known: " + why);
  }
  restore_holds(task.deed + 1);
}

// One event for all of them: a death between two would leave the copy of one to be put back over
// what another one's restore has put right.
void Turn::supersede(const std::string& target, const std::string& by) {
  Json marks = Json::array();
  for (auto& deed : d.deeds) {
    const bool same = std::ranges::find(deed.targets, target) != deed.targets.end();
    if (!deed.open() || !deed.holds_data || !same || deed.came_back) continue;
    deed.stage = Stage::superseded;
    deed.reverted = now_;
    marks.push(deed.mark);
  }
  record("superseded", Json::object({{"deeds", std::move(marks)}, {"by", by}}));
}

}  // namespace gameday
