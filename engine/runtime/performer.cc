#include "engine/runtime/performer.h"

#include <algorithm>
#include <exception>

#include "engine/base/assert.h"
#include "engine/runtime/identity.h"
#include "engine/runtime/load_deed.h"
#include "engine/runtime/own_backups.h"
#include "engine/runtime/replayer.h"

namespace gameday {
namespace {

template <class Value>
Done answer(const Task& task, Result<Value> value) {
  Done done{task.id, {}, {}};
  if (value) {
    done.value = std::move(*value);
  } else {
    done.status = std::unexpected(value.error());
  }
  return done;
}

Done answer(const Task& task, Status status) { return {task.id, std::move(status), {}}; }

Status no_row(const Task& task) {
  return fail(ErrorCode::unsupported, "no row for " + task.what.kind + task.undo.kind);
}

}  // namespace

Done Performer::perform(const Task& task, const Stop& stop) {
  try {
    return dispatch(task, {stop, task.deadline});
  } catch (const std::exception& error) {
    {
      const std::lock_guard lock(defect_mutex_);
      if (defect_.empty()) defect_ = error.what();
    }
    return answer(task, Status(fail(ErrorCode::failed, std::string("defect: ") + error.what())));
  }
}

std::string Performer::defect() const {
  const std::lock_guard lock(defect_mutex_);
  return defect_;
}

Done Performer::dispatch(const Task& task, const Until& until) {
  switch (task.op) {
    case Op::system_start: return system_start(task, until);
    case Op::invariants: return read_invariants(task, until);
    case Op::prepare: return with_identity(task, prepare(task, until));
    case Op::inject: return inject(task, until);
    case Op::prove:
    case Op::still_bites: {
      if (task.what.kind == kActionKind) return prove_action(task, until);
      const FaultRow* row = terms_.rows.fault(task.what.kind);
      if (row == nullptr) return answer(task, no_row(task));
      return answer(task, row->prove(task.what, task.undo, context(task.mark, until)));
    }
    case Op::undo: return undo(task, until);
    case Op::look: return look(task, until);
    case Op::close: return close(task, until);
    case Op::backup: return backup(task, until);
    case Op::restore_scratch: return restore_scratch(task, until);
    case Op::replay: return replay_queue(task, until);
    case Op::end_loads: return end_loads(task);
    case Op::drain: return drain(task, until);
    case Op::read_back: return read_back_ledger(task, until);
    case Op::summarise: return summarise_load(task);
    case Op::forget_backups:
      return answer(task, erase_own_backups(terms_.private_folder, terms_.doors.clock, until));
    case Op::system_stop: return system_stop(task, until);
  }
  GD_ASSERT(false);
}

DeedContext Performer::context(const std::string& mark, const Until& until) const {
  DeedContext made{terms_.doors, terms_.playbook->system, terms_.secrets, terms_.drill,
                   mark,         terms_.private_folder,   until};
  if (begun_) made.begun = *begun_;
  return made;
}

// Its undo will look whether its target is still what it must be.
Done Performer::with_identity(const Task& task, Done done) {
  auto* undo = std::get_if<Undo>(&done.value);
  if (task.what.kind == kLoadKind) return done;  // named like a target, it is none
  const std::lock_guard lock(mutex_);
  const auto known = must_be_.find(task.what.target);
  if (undo != nullptr && known != must_be_.end()) undo->must_be = known->second;
  return done;
}

Done Performer::prepare(const Task& task, const Until& until) {
  const auto here = context(task.mark, until);
  if (task.what.kind == kLoadKind) {
    const LoadSpec* spec = terms_.playbook->load(task.what.target);
    GD_ASSERT(spec != nullptr);
    const LoadRow* row = terms_.rows.load(spec->kind);
    return answer(task, row == nullptr ? Result<Undo>(load_undo(*spec, terms_.drill))
                                       : row->prepare(*spec, here));
  }
  if (task.what.kind == "restore") {
    const Target* target = terms_.playbook->system.target(task.what.target);
    const RestoreRow* row = target != nullptr ? terms_.rows.restore_of(*target) : nullptr;
    if (row == nullptr) return answer(task, no_row(task));
    const bool place = task.what.arguments.text("into") == "place";
    const auto prepare = place ? row->prepare_place : row->prepare_scratch;
    if (prepare != nullptr) return answer(task, prepare(task.what, task.backup, here));
    if (row->prepare == nullptr) return answer(task, no_row(task));
    return answer(task, row->prepare(*target, here));
  }
  // Nothing is owed for an action; that it is about to be done is on disk all the same.
  if (task.what.kind == kActionKind) return answer(task, Result<Undo>(Undo{task.what.kind}));
  const FaultRow* row = terms_.rows.fault(task.what.kind);
  if (row == nullptr) return answer(task, no_row(task));
  return answer(task, row->prepare(task.what, here));
}

Done Performer::inject(const Task& task, const Until& until) {
  const auto here = context(task.mark, until);
  if (task.what.kind == kLoadKind) {
    return answer(task, start_load_of(task.what.target, task.undo, task.mark, until));
  }
  if (task.what.kind == kActionKind) return perform_action(task, until);
  if (task.what.kind == "restore") {
    const Target* target = terms_.playbook->system.target(task.what.target);
    const RestoreRow* row = target != nullptr ? terms_.rows.restore_of(*target) : nullptr;
    if (row == nullptr || row->restore_place == nullptr) return answer(task, no_row(task));
    return answer(task, row->restore_place(*target, task.backup, task.undo, here));
  }
  const FaultRow* row = terms_.rows.fault(task.what.kind);
  if (row == nullptr) return answer(task, no_row(task));
  return answer(task, row->inject(task.what, task.undo, here));
}

Done Performer::perform_action(const Task& task, const Until& until) {
  const ActionRow* row = terms_.rows.action(task.what.action);
  if (row == nullptr) return answer(task, no_row(task));
  return answer(task, row->perform(task.what, context(task.mark, until)));
}

// What is intended may take a moment to show.
Done Performer::prove_action(const Task& task, const Until& until) {
  constexpr Duration kAgain = std::chrono::milliseconds(250);
  const ActionRow* row = terms_.rows.action(task.what.action);
  if (row == nullptr) return answer(task, no_row(task));
  while (true) {
    auto proof = row->prove(task.what, context(task.mark, until));
    if (proof && proof->held) return answer(task, std::move(proof));
    if (!terms_.doors.clock.pause(kAgain, until)) return answer(task, std::move(proof));
  }
}

Done Performer::undo(const Task& task, const Until& until) {
  const auto functions = undo_functions(terms_.rows, task.undo.kind);
  if (functions.undo == nullptr) return answer(task, no_row(task));
  // What still sends cannot be cleaned up after.
  if (task.what.kind == kLoadKind) {
    Task end = task;
    end.names = {task.what.target};
    (void)end_loads(end);
  }
  const auto here = context(task.mark, until);
  const Status is = is_still(task.undo, terms_.rows, here);
  return answer(task, is ? functions.undo(task.undo, here) : is);
}

Done Performer::look(const Task& task, const Until& until) {
  const auto functions = undo_functions(terms_.rows, task.undo.kind);
  if (functions.gone == nullptr) return answer(task, no_row(task));
  return answer(task, functions.gone(task.undo, context(task.mark, until)));
}

Done Performer::close(const Task& task, const Until& until) {
  const auto functions = undo_functions(terms_.rows, task.undo.kind);
  if (functions.close == nullptr) return answer(task, Status{});
  return answer(task, functions.close(task.undo, task.keep, context(task.mark, until)));
}

Done Performer::backup(const Task& task, const Until& until) {
  const Target* target = terms_.playbook->system.target(task.target);
  const RestoreRow* row = target != nullptr ? terms_.rows.restore_of(*target) : nullptr;
  if (row == nullptr) return answer(task, no_row(task));
  auto taken = row->backup(*target, context(terms_.drill + "-backup", until));
  if (taken) taken->facts.set("kind", row->name);
  if (taken && is_own_backup(taken->id, terms_.private_folder)) {
    taken->facts.set("own", true);
    const auto kept = task.keep ? keep_own_backup(taken->id, terms_.doors.files) : Status();
    if (!kept) return answer(task, kept);
  }
  return answer(task, std::move(taken));
}

Done Performer::restore_scratch(const Task& task, const Until& until) {
  const Target* target = terms_.playbook->system.target(task.target);
  const RestoreRow* row = target != nullptr ? terms_.rows.restore_of(*target) : nullptr;
  if (row == nullptr) return answer(task, no_row(task));
  if (row->fill_scratch != nullptr) {
    return answer(task, row->fill_scratch(task.backup, task.undo, context(task.mark, until)));
  }
  return answer(
      task, row->restore_scratch(*target, task.backup, context(terms_.drill + "-scratch", until)));
}

Done Performer::replay_queue(const Task& task, const Until& until) {
  const Target* target = terms_.playbook->system.target(task.target);
  const QueueRow* row = target != nullptr ? terms_.rows.queue_of(*target) : nullptr;
  if (row == nullptr) return answer(task, no_row(task));
  return answer(task, row->replay(*target, task.since, context(terms_.drill, until)));
}

// A queue is drained when it has been empty for a second: what stands upstream of it (an outbox
// that is being sent again) shows up within that.
Done Performer::drain(const Task& task, const Until& until) {
  constexpr Duration kEmptyFor = std::chrono::seconds(1);
  constexpr Duration kEvery = std::chrono::milliseconds(100);
  const auto here = context(terms_.drill, until);
  const Clock& clock = terms_.doors.clock;
  Instant empty_since = Instant::max();  // none: it is not empty
  std::string seen = "not asked";
  while (true) {
    bool empty = true, seen_empty = true;
    for (const auto& name : task.names) {
      const Target* target = terms_.playbook->system.target(name);
      const QueueRow* row = target != nullptr ? terms_.rows.queue_of(*target) : nullptr;
      if (row == nullptr) return answer(task, no_row(task));
      const auto depth = row->depth(*target, here);
      empty = empty && depth && *depth <= task.tolerated;
      seen_empty = seen_empty && depth && *depth == 0;
      if (!depth) seen = name + ": " + depth.error().text;
      if (depth && *depth > 0) seen = name + " holds " + std::to_string(*depth) + " messages";
    }
    if (task.names.empty() || (seen_empty && task.tolerated > 0)) return answer(task, Status{});
    const Instant now = clock.now().boot;
    empty_since = empty ? std::min(empty_since, now) : Instant::max();
    if (empty && now - empty_since >= kEmptyFor) return answer(task, Status{});
    if (auto paused = clock.pause(kEvery, until); !paused) {
      return answer(task, Status(fail(paused.error().code, seen)));
    }
  }
}

}  // namespace gameday
