// What each task of the conductor's does to the simulated system, and what it answers.
#include <algorithm>

#include "engine/base/digest.h"
#include "engine/load/ledger.h"
#include "engine/load/request_mix.h"
#include "engine/playbook/invariants.h"
#include "engine/sim/simulated_runner.h"
#include "engine/sim/watched_journal.h"

namespace gameday {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

template <class Value>
Done answered(const Task& task, Value value) {
  return {task.id, {}, std::move(value)};
}

Done failed(const Task& task, ErrorCode code, std::string text) {
  return {task.id, fail(code, std::move(text)), {}};
}

bool is_load(const Task& task) { return task.what.kind == "load"; }
bool is_restore(const Task& task) { return task.what.kind == "restore"; }

}  // namespace

void SimulatedRunner::begin(const Task& task) {
  const Duration quick = system_.takes(microseconds(500), milliseconds(20));
  switch (task.op) {
    case Op::system_start: return start_system(task);
    case Op::invariants: return answer_in(task, quick, [this, task] { return invariants(task); });
    case Op::prepare: return prepare(task);
    case Op::inject: return inject(task);
    case Op::prove:
    case Op::still_bites:
      return answer_in(task, quick, [this, task] {
        const bool bites = system_.bites(task.mark);
        return answered(task, Proof{bites, bites ? "it bites" : "nothing is to be seen of it", {}});
      });
    case Op::undo: return undo(task);
    case Op::look: return look(task);
    case Op::close:
      return answer_in(task, quick, [this, task] {
        if (!task.keep) system_.store().erase_copy(task.mark);
        return Done{task.id, {}, {}};
      });
    case Op::backup: return back_up(task);
    case Op::restore_scratch: return restore_scratch(task);
    case Op::replay: return answer_in(task, quick, [this, task] { return replayed(task); });
    case Op::end_loads:
      return answer_in(task, quick, [this, task] {
        for (const auto& name : task.names) system_.end_load(name);
        return Done{task.id, {}, {}};
      });
    case Op::drain: return drain(task, now().boot, {});
    case Op::read_back: return answer_in(task, quick, [this, task] { return read_back(task); });
    case Op::summarise: return answer_in(task, quick, [this, task] { return summed_up(task); });
    case Op::forget_backups:
    case Op::system_stop: return answer_in(task, quick, [task] { return Done{task.id, {}, {}}; });
  }
}

void SimulatedRunner::start_system(const Task& task) {
  const bool was_up = random_.chance(0.5);
  const Duration takes = was_up ? system_.takes(milliseconds(1), milliseconds(30))
                                : system_.takes(milliseconds(100), std::chrono::seconds(2));
  answer_in(task, takes, [this, task, was_up] {
    if (system_.failures().system_does_not_start) {
      return failed(task, ErrorCode::failed, "the system is not ready");
    }
    system_started_ = !was_up && !drill_.plan.playbook->system.start.empty();
    return resolved(task);
  });
}

Done SimulatedRunner::resolved(const Task& task) {
  SystemUp up;
  up.started_here = system_started_;
  for (const auto& target : drill_.plan.playbook->system.targets) {
    const std::string shown = "process " + std::to_string(1000 + random_.below(60'000));
    up.instances.push_back({target.name, shown, "rehearsal:" + target.name, Json::object()});
  }
  for (const auto& link : drill_.plan.playbook->system.links) {
    up.instances.push_back({link.name, "link " + link.name, "link:" + link.listen, Json::object()});
  }
  return answered(task, std::move(up));
}

// It has no SQL: what is always true holds there for as long as the store has its tables.
Done SimulatedRunner::invariants(const Task& task) const {
  std::vector<InvariantSeen> all;
  for (const InvariantSpec& one : invariants_of(drill_.plan.playbook->system)) {
    const bool lost = system_.store().lost();
    all.push_back({.target = one.target,
                   .name = one.name,
                   .must = one.is,
                   .value = {.text = "rehearsed"},
                   .problem = lost ? "the store has no tables" : "",
                   .holds = !lost});
  }
  return answered(task, std::move(all));
}

DeedFailure SimulatedRunner::failure_of(const Task& task) const {
  const Failures& failures = system_.failures();
  const bool fails = task.deed == failures.failing_deed ||
                     (failures.next_deed_too && task.deed == failures.failing_deed + 1);
  return fails ? failures.deed : DeedFailure::none;
}

void SimulatedRunner::prepare(const Task& task) {
  answer_in(task, system_.takes(microseconds(500), milliseconds(30)), [this, task] {
    if (failure_of(task) == DeedFailure::not_prepared) {
      return failed(task, ErrorCode::not_found, "the simulated target is not there");
    }
    if (is_restore(task)) {
      const bool aside = drill_.deeds[task.deed].is_scratch;
      return answered(task, system_.undo_of_restore(task.what.target, aside));
    }
    const auto& deed = drill_.deeds[task.deed];
    if (deed.is_action) return answered(task, Undo{task.what.kind});
    Effect effect = Effect::stops;
    for (const auto& planned : drill_.plan.steps) {
      if (planned.step.id == deed.step_id) effect = planned.effect;
    }
    return answered(task, system_.undo_of(task.what, effect, deed.targets));
  });
}

// It is under way from here on; what is to befall it does.
void SimulatedRunner::begin_deed(const Task& task) {
  begins_(task.mark);
  if (system_.failures().stop_in_deed == task.deed) stop_soon();
  if (system_.failures().runner_dies_in == task.deed) {
    agenda_.add(now().boot + system_.takes(microseconds(1), milliseconds(120)),
                [] { throw Died{}; });
  }
}

void SimulatedRunner::inject(const Task& task) {
  begin_deed(task);
  const DeedFailure failure = failure_of(task);
  if (is_restore(task)) return restore_place(task);
  if (task.what.kind == kActionKind) return perform(task, failure);
  if (!is_load(task)) return inject_fault(task, failure);
  answer_in(task, system_.takes(microseconds(500), milliseconds(10)), [this, task, failure] {
    if (failure == DeedFailure::refused) {
      return failed(task, ErrorCode::failed, "the simulated load does not start");
    }
    const std::string& name = task.what.target;
    system_.start_load(task.mark, name, most_rate_);
    tell_window(name, now().boot);
    return Done{task.id, {}, {}};
  });
}

// While the task that has just begun is under way, more often than not.
void SimulatedRunner::stop_soon() {
  if (drill_.stop) return;
  const Instant soon = now().boot + system_.takes(microseconds(1), milliseconds(20));
  happen_at(soon, StopAsked{StopBy::person, "stopped by a person", "", soon});
}

void SimulatedRunner::perform(const Task& task, DeedFailure failure) {
  const bool late = failure == DeedFailure::late;
  const Duration takes =
      late ? task.deadline - now().boot : system_.takes(milliseconds(1), milliseconds(400));
  answer_in(task, takes, [this, task, failure, late] {
    if (late) return failed(task, ErrorCode::timed_out, "no answer by the deadline");
    if (failure == DeedFailure::half_done || failure == DeedFailure::refused) {
      return failed(task, ErrorCode::failed, "the simulated action failed");
    }
    if (failure != DeedFailure::does_not_bite) system_.perform(task.mark);
    return Done{task.id, {}, {}};
  });
  if (failure == DeedFailure::hangs) working_[task.id].hangs = true;
}

void SimulatedRunner::inject_fault(const Task& task, DeedFailure failure) {
  if (failure == DeedFailure::late) return inject_late(task);
  const Duration takes = system_.takes(milliseconds(1), milliseconds(150));
  const Instant bites = now().boot + system_.takes(Duration{}, takes);
  answer_in(task, takes, [task, failure] {
    const bool well = failure != DeedFailure::half_done && failure != DeedFailure::refused;
    return well ? Done{task.id, {}, {}}
                : failed(task, ErrorCode::failed, "the simulated deed failed");
  });
  Working& working = working_[task.id];
  if (failure == DeedFailure::hangs) {
    working.hangs = true;
    working.answer = {};
  }
  if (failure == DeedFailure::refused || failure == DeedFailure::does_not_bite) return;
  // What a child of ours does ends with it; what was sent to somebody else does not.
  const bool local = random_.chance(0.5);
  const auto bite = [this, task, failure, local, withdrawn = working.withdrawn] {
    if (*withdrawn) return;
    system_.inject(task.mark, task.undo, local ? Actor::runner : Actor::late);
    const Instant soon = now().boot + system_.takes(milliseconds(100), milliseconds(900));
    if (failure == DeedFailure::ends_early && drill_.deeds[task.deed].may_end_early) {
      system_.later(soon, false, [this, mark = task.mark] { system_.end_by_itself(mark); });
    }
    if (failure == DeedFailure::target_vanishes) {
      system_.later(soon, false, [this, mark = task.mark] { system_.vanish(mark); });
    }
  };
  local ? system_.later(bites, true, bite) : system_.arrive(bites, bite);
}

// The answer comes at the deadline and says nothing; the deed itself after it, within settle time.
void SimulatedRunner::inject_late(const Task& task) {
  const Duration patience = task.deadline - now().boot;
  answer_in(task, patience,
            [task] { return failed(task, ErrorCode::timed_out, "no answer by the deadline"); });
  working_[task.id].late = true;
  arrive_after(task, task.deadline);
}

void SimulatedRunner::arrive_after(const Task& task, Instant answered) {
  const Duration after = system_.takes(milliseconds(1), Deadlines::settle - milliseconds(50));
  system_.arrive(answered + after, [this, task, withdrawn = working_[task.id].withdrawn] {
    if (!*withdrawn) system_.inject(task.mark, task.undo, Actor::late);
  });
}

void SimulatedRunner::restore_place(const Task& task) {
  answer_in(task, system_.takes(milliseconds(20), milliseconds(800)), [this, task] {
    if (failure_of(task) == DeedFailure::refused) {
      return failed(task, ErrorCode::failed, "the simulated restore failed");
    }
    system_.restore(task.mark, task.backup.id);
    if (failure_of(task) == DeedFailure::half_done) {
      return failed(task, ErrorCode::failed, "the simulated restore failed half-way");
    }
    const BackupFailure backup = system_.failures().backup;
    Restored restored;
    restored.vacuous = backup == BackupFailure::vacuous;
    restored.verified = backup != BackupFailure::corrupt;
    if (!restored.verified) restored.text = "the digest is not the backup's";
    return answered(task, std::move(restored));
  });
}

void SimulatedRunner::restore_scratch(const Task& task) {
  if (task.deed != kNoDeed) begin_deed(task);
  answer_in(task, system_.takes(milliseconds(20), milliseconds(800)), [this, task] {
    const bool refused = task.deed != kNoDeed && failure_of(task) == DeedFailure::refused;
    if (refused) return failed(task, ErrorCode::failed, "the simulated restore failed");
    const BackupFailure backup = system_.failures().backup;
    return answered(task, Restored{backup == BackupFailure::vacuous,
                                   backup != BackupFailure::corrupt, "", Json::object()});
  });
  if (task.deed == kNoDeed) return;
  system_.later(now().boot + system_.takes(microseconds(1), milliseconds(20)), true,
                [this, task, withdrawn = working_[task.id].withdrawn] {
                  if (!*withdrawn) system_.fill_scratch(task.mark);
                });
}

void SimulatedRunner::back_up(const Task& task) {
  answer_in(task, system_.takes(milliseconds(5), milliseconds(400)), [this, task] {
    if (system_.failures().backup == BackupFailure::fails) {
      return failed(task, ErrorCode::failed, "the simulated backup failed");
    }
    BackupTaken taken;
    taken.target = task.target;
    taken.id = "/rehearsal/" + drill_.plan.drill + "/backup-" + std::to_string(task.id);
    taken.digest = sha256(taken.id + " content");
    taken.sha256 = sha256(taken.id);
    taken.taken = now().utc;
    system_.store().back_up(taken.id);
    return answered(task, std::move(taken));
  });
}

void SimulatedRunner::undo(const Task& task) {
  if (system_.failures().stop_in_undo == task.deed) stop_soon();
  answer_in(task, system_.takes(milliseconds(1), milliseconds(60)), [this, task] {
    return Done{task.id, system_.undo(task.mark, task.undo, Actor::runner), {}};
  });
}

void SimulatedRunner::look(const Task& task) {
  answer_in(task, system_.takes(microseconds(500), milliseconds(15)), [this, task] {
    const bool gone = system_.gone(task.mark, task.undo);
    return answered(task, Proof{gone, gone ? "it is gone" : "it is still there", {}});
  });
}

Done SimulatedRunner::replayed(const Task& task) {
  const Utc kept_since = now().utc - system_.failures().queue_keeps;
  return answered(task, system_.store().replay(task.since, kept_since, now().boot));
}

// As in a drill: empty for a second, else not drained by the deadline.
void SimulatedRunner::drain(const Task& task, Instant began, std::optional<Instant> empty_since) {
  constexpr Duration kEmptyFor = std::chrono::seconds(1);
  const auto queued = static_cast<std::int64_t>(system_.store().queued());
  const bool empty = queued <= task.tolerated;
  if (!empty) empty_since.reset();
  if (empty && !empty_since) empty_since = now().boot;
  const bool drained = task.names.empty() || (queued == 0 && task.tolerated > 0) ||
                       (empty_since && now().boot - *empty_since >= kEmptyFor);
  if (drained) return answer_in(task, Duration{}, [task] { return Done{task.id, {}, {}}; });
  if (now().boot >= task.deadline) {
    return answer_in(task, Duration{}, [task] {
      return failed(task, ErrorCode::timed_out, "the simulated queue is not empty");
    });
  }
  Working& working = working_[task.id];
  working.task = task;
  agenda_.add(std::min(now().boot + milliseconds(100), task.deadline),
              [this, task, began, empty_since] {
                const auto found = working_.find(task.id);
                if (found == working_.end() || found->second.cancelled) return;
                drain(task, began, empty_since);
              });
}

Done SimulatedRunner::read_back(const Task& task) {
  const std::string& name = task.names.front();
  SimulatedLoad* load = system_.load(name);
  if (load == nullptr || !load->ended()) {
    return failed(task, ErrorCode::failed, "load " + name + " has not ended");
  }
  if (system_.store().lost()) return failed(task, ErrorCode::failed, "the store has no tables");
  LedgerTerms terms;
  terms.load = name;
  terms.drill = drill_.plan.drill;
  terms.seed = drill_.plan.seed;
  terms.load_started = load->started();
  terms.disaster = task.disaster;
  terms.restored = task.restored;
  const RequestMix mix(load->spec(), drill_.plan.seed);
  terms.rate = load->rate().scaled(mix.writing_share());
  std::vector<Sample> writes;
  std::ranges::copy_if(load->samples(), std::back_inserter(writes),
                       [&](const Sample& sample) { return mix.writes(sample.seq); });
  ReadBack read;
  read.has_list = !load->spec().ledger->list.empty();
  const auto& content = system_.store().content().rows;
  const auto rows = content.find(name);
  for (const auto& sample : writes) {
    const std::string key = ledger_key(terms.drill, name, sample.seq);
    const bool in = rows != content.end() && sample.seq < rows->second.size();
    const Row row = in ? rows->second[sample.seq] : Row::none;
    auto& found = read.by_key[key];
    if (row == Row::whole) found.push_back(ledger_digest(key, terms.seed));
    if (row == Row::corrupt) found.push_back(std::string(32, '0'));
    if (row != Row::none && read.has_list) read.listed.push_back({key, found.front()});
  }
  return answered(task, classify(writes, read, terms, {}));
}

Done SimulatedRunner::summed_up(const Task& task) {
  const std::string& name = task.names.front();
  SimulatedLoad* load = system_.load(name);
  if (load == nullptr || !load->ended()) {
    return failed(task, ErrorCode::failed, "load " + name + " has not ended");
  }
  Instant end = load->started();
  for (const auto& sample : load->samples()) end = std::max(end, sample.due);
  LoadWindow window;
  window.first_step = task.first_step;
  window.end = end + Duration(1);
  window.started = load->started();
  window.rate = load->rate();
  window.users = load->users();
  if (load->spec().carried) {
    window.closed = ClosedTerms{load->rate().highest(), load->started(), load->spec().timeout};
  }
  const auto& jump = system_.failures().jump;
  if (jump && load->started() <= drill_.began.boot + jump->after) {
    window.clock_jumps.push_back(drill_.began.boot + jump->after);
  }
  count_by_request(load->spec(), drill_.plan.seed, window);
  return answered(task, summarise(name, load->samples(), task.hold, task.faults, window));
}

}  // namespace gameday
