// The end that no playbook writes: the steady state again, the ledger read back, what the load
// wrote deleted, and the drill closed.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/conductor/turn.h"

namespace gameday {

void Turn::settle() {
  const Step* terms = d.plan.last_steady_state();
  // Without a load and probes that ran there is no steady state to come back to.
  if (terms == nullptr || !d.first_step || d.hurried) return verify_at_end();
  enter(Phase::settling);
  begin_steady(*terms);
}

void Turn::verify_at_end() {
  if (d.settle_missed && d.any_injected) {
    reason(1, "the steady state did not come back after the drill's faults were undone");
  }
  enter(Phase::verifying);
  if (d.verified_since_fault && d.loads_running.empty()) return clean();
  begin_verify({});
}

// Ends these loads (all, where none is named), waits for the queues, reads back, sums up.
void Turn::begin_verify(std::vector<std::string> loads) {
  if (loads.empty()) loads = d.loads_running;
  const Step* step = d.phase == Phase::running ? &lane_step() : nullptr;
  lane().deadline = now_.boot + (step != nullptr ? step->deadline.value_or(Deadlines::verify)
                                                 : Deadlines::verify);
  d.loads_to_read.assign(loads.begin(), loads.end());
  if (d.phase == Phase::verifying && !d.verified_since_fault) {
    // A ledger that was read before the last fault says nothing about what that fault did.
    for (const auto& summary : d.ledgers) d.loads_to_read.push_back(summary.load);
  }
  if (d.loads_to_read.empty()) return look_at_invariants();
  Task task;
  task.op = Op::end_loads;
  task.names = std::move(loads);
  task.deadline = *lane().deadline;
  run(std::move(task));
}

void Turn::verify_task_done(const Task& task, const Done& done) {
  const bool in_restore = d.phase == Phase::running && lane_step().kind == StepKind::restore;
  if (task.op == Op::drain && in_restore) {
    if (!done.status) {
      return fail_step(1, "the replayed queue did not drain: " + done.status.error().text);
    }
    return restore_holds();
  }
  if (halted() && d.phase == Phase::running) return;
  switch (task.op) {
    case Op::end_loads: {
      for (const auto& name : task.names) std::erase(d.loads_running, name);
      Task drain;
      drain.op = Op::drain;
      drain.names = d.plan.queues;
      drain.deadline = *lane().deadline;
      run(std::move(drain));
      return;
    }
    case Op::drain:
      if (!done.status) {
        d.undrained = true;
        reason(6, "the queues were not drained: " + done.status.error().text);
      }
      return read_next();
    case Op::read_back:
      if (const auto* summary = std::get_if<LedgerSummary>(&done.value)) {
        std::erase_if(d.ledgers, [&](const auto& old) { return old.load == summary->load; });
        d.ledgers.push_back(*summary);
      } else {
        LedgerSummary unread;
        unread.load = task.names.front();
        unread.counted = false;
        unread.problem = done.status ? "nothing was read" : done.status.error().text;
        d.ledgers.push_back(unread);
      }
      return read_next();
    case Op::summarise:
      if (const auto* summary = std::get_if<LoadSummary>(&done.value)) {
        std::erase_if(d.loads, [&](const auto& old) { return old.load == summary->load; });
        d.loads.push_back(*summary);
      }
      return summarise_next();
    case Op::invariants: return invariants_verified(done);
    default: GD_ASSERT(false);
  }
}

Task Turn::read_back_task(const std::string& load) const {
  Task task;
  task.op = Op::read_back;
  task.names = {load};
  task.deadline = *lane().deadline;
  // D of the recovery point: the takeover by the restored copy, else the proof of the data's loss,
  // else the proof of the last fault.
  for (const auto& deed : d.deeds) {
    if (deed.is_fault && deed.proven && !task.disaster) task.disaster = deed.proven->boot;
    if (deed.is_fault && deed.proven && deed.holds_data) task.disaster = deed.proven->boot;
  }
  for (const auto& restore : d.restores) {
    if (!restore.into_place || !restore.cutover) continue;
    task.disaster = restore.cutover;
    task.restored = true;
  }
  return task;
}

void Turn::read_next() {
  while (!d.loads_to_read.empty()) {
    const std::string load = d.loads_to_read.front();
    d.loads_to_read.pop_front();
    const LoadSpec* spec = d.plan.playbook->load(load);
    if (spec == nullptr || !spec->ledger) continue;
    run(read_back_task(load));
    return;
  }
  summarise_next();
}

void Turn::summarise_next() {
  for (const auto& spec : d.plan.playbook->loads) {
    const bool running = std::ranges::find(d.loads_running, spec.name) != d.loads_running.end();
    const bool started = std::ranges::any_of(d.deeds, [&](const auto& deed) {
      return deed.deed.kind == "load" && deed.deed.target == spec.name && deed.injected;
    });
    if (running || !started || !d.first_step) continue;
    if (!d.loads_summed.insert(spec.name).second) continue;
    Task task;
    task.op = Op::summarise;
    task.names = {spec.name};
    task.faults = d.spans();
    task.first_step = d.first_step->boot;
    task.hold = d.plan.hold();
    task.deadline = now_.boot + Deadlines::verify;
    run(std::move(task));
    return;
  }
  look_at_invariants();
}

void Turn::verify_over() {
  d.verified_since_fault = true;
  if (d.phase == Phase::verifying) return clean();
  end_step(true);
}

void Turn::close() {
  enter(Phase::closing);
  close_next();
}

// What was not read back is not known to be there.
Turn::Data Turn::data() const {
  Data found = Data::complete;
  for (const auto& deed : d.deeds) {
    const LoadSpec* spec = d.plan.playbook->load(deed.deed.target);
    if (deed.deed.kind != "load" || !deed.injected || spec == nullptr || !spec->ledger) continue;
    const auto ledger = std::ranges::find(d.ledgers, spec->name, &LedgerSummary::load);
    if (ledger == d.ledgers.end() || !ledger->read_back) {
      found = std::max(found, Data::unknown);
    } else if (ledger->lost + ledger->stale + ledger->corrupt > 0) {
      found = Data::missing;
    }
  }
  return found;
}

// Private files of each deed are erased; a copy that a restore superseded stays where data is
// missing, for it may be the only one that has it. Those of an undo that is still owed stay too.
void Turn::close_next() {
  const Data found = data();
  while (d.to_close < d.deeds.size()) {
    const std::size_t index = d.to_close++;
    DeedState& deed = d.deeds[index];
    if (deed.stage == Stage::none || deed.stage == Stage::residue || deed.is_action) continue;
    Task task = deed_task(index, Op::close, Deadlines::look);
    task.keep = deed.stage == Stage::superseded && found != Data::complete;
    if (task.keep) {
      const bool missing = found == Data::missing;
      // How much may be missing is for the objective to say, where there is one.
      const bool judged = d.plan.playbook->objectives.rpo.has_value();
      const int code = judged ? 0 : 1;
      const auto copy = task.undo.arguments.text("saved", task.undo.arguments.text("kept"));
      reason(missing ? code : 6,
             std::string(missing ? "data is missing" : "whether data is missing is not known") +
                 (copy.empty() ? "; nothing was there that " + called(deed) + " could have kept"
                               : "; the copy saved by " + called(deed) + " is kept: " + copy));
    }
    run(std::move(task));
    return;
  }
  if (d.backs_up) return forget_backups(found);
  stop_system();
}

// What the drill itself backed up is of use for as long as something may be lost, or could not be
// put back.
void Turn::forget_backups(Data found) {
  d.backs_up = false;
  const bool owed = std::ranges::any_of(d.deeds, [](const DeedState& deed) {
    return deed.stage == Stage::residue && (deed.holds_data || deed.deed.kind == "restore");
  });
  if (found != Data::complete || owed) {
    for (const auto& backup : d.backups) {
      if (!backup.taken.facts.boolean("own", false)) continue;
      reason(0, "the backup that the drill took of " + backup.taken.target +
                    " is kept: " + backup.taken.id);
    }
    return stop_system();
  }
  Task task;
  task.op = Op::forget_backups;
  task.deadline = now_.boot + Deadlines::verify;
  run(std::move(task));
}

void Turn::backups_forgotten(const Done& done) {
  if (!done.status) {
    d.residue.push_back({"what the drill itself backed up: " + done.status.error().text,
                         "remove it, or `gameday revert " + d.plan.drill + "`"});
  }
  stop_system();
}

void Turn::stop_system() {
  if (!d.started_system) return finish();
  Task task;
  task.op = Op::system_stop;
  task.deadline = now_.boot + Deadlines::system;
  run(std::move(task));
}

void Turn::finish() {
  record("verdict", judge(d).document);
  enter(Phase::closed);
  out_.emplace_back(Finish{});
}

}  // namespace gameday
