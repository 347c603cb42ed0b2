// The timeline: one step after another, and the steady states that are waited for.
#include <algorithm>
#include <ranges>
#include <set>

#include "engine/base/assert.h"
#include "engine/base/units.h"
#include "engine/conductor/turn.h"
#include "engine/playbook/check_restore.h"

namespace gameday {
void Turn::begin_step() {
  if (halted()) return;
  if (lane().step >= d.plan.steps.size()) return start_reverting();
  const PlannedStep& planned = d.plan.steps[lane().step];
  d.steps[lane().step].started = now_;
  record("step",
         Json::object(
             {{"id", planned.step.id}, {"step", name_of(planned.step.kind)}, {"what", "started"}}));
  switch (planned.step.kind) {
    case StepKind::steady_state: return begin_steady(planned.step);
    case StepKind::backup: return begin_backup(planned);
    case StepKind::fault: return begin_fault(planned);
    case StepKind::action: return begin_action(planned);
    case StepKind::parallel: return begin_parallel();
    case StepKind::restore: return begin_restore(planned);
    case StepKind::revert: return begin_revert(planned);
    case StepKind::human:
    case StepKind::approve: return begin_asking(planned.step);
    case StepKind::verify: return begin_verify(planned.step.names);
    case StepKind::wait: lane().step_timer = wake(now_.boot + planned.step.steady_for); return;
  }
}

// With this one, over all lanes; what is being prepared counts, for it is about to be injected.
std::size_t Turn::targets_under_fault(const PlannedStep& and_this) const {
  // A region is one, however many links lead to it.
  const auto place = [](const Deed& deed) {
    return deed.target.empty() ? "region " + deed.arguments.text("region") : deed.target;
  };
  std::set<std::string> under_fault = {place(and_this.deed)};
  for (const auto& deed : d.deeds) {
    const bool counts = deed.open() || deed.stage == Stage::preparing;
    if (deed.is_fault && counts) under_fault.insert(place(deed.deed));
  }
  return under_fault.size();
}

void Turn::begin_fault(const PlannedStep& planned) {
  const std::size_t under_fault = targets_under_fault(planned);
  if (under_fault > static_cast<std::size_t>(d.plan.playbook->limits.targets)) {
    return fail_step(4, "step " + planned.step.id + " would put " + std::to_string(under_fault) +
                            " targets under fault; limits.targets allows " +
                            std::to_string(d.plan.playbook->limits.targets));
  }
  d.verified_since_fault = false;
  prepare(add_deed(planned));
}

void Turn::begin_backup(const PlannedStep& planned) {
  d.backs_up = true;
  Task task;
  task.op = Op::backup;
  task.target = planned.step.target;
  task.keep = planned.step.arguments.boolean("keep", false);
  task.deadline = now_.boot + Deadlines::backup;
  run(std::move(task));
}

void Turn::begin_restore(const PlannedStep& planned) {
  const std::string from = planned.step.arguments.text("from");
  const auto backup =
      std::ranges::find_if(d.backups.rbegin(), d.backups.rend(), [&](const auto& b) {
        return b.taken.target == planned.step.target && (from.empty() || b.step_id == from);
      });
  if (backup == d.backups.rend()) {
    return fail_step(blame(),
                     "step " + planned.step.id + ": there is no backup of " + planned.step.target);
  }
  if (const DeedState* fault = held_over(*backup, planned.step); fault != nullptr) {
    return fail_step(1, "the restore of " + planned.step.target +
                            " into place would bring back what " + called(*fault) +
                            " did: its backup " + backup->taken.id + " was taken while that held");
  }
  lane().deadline = now_.boot + planned.step.deadline.value_or(Deadlines::restore);
  lane().restore = d.restores.size();
  d.restores.push_back({planned.step.id,
                        planned.step.target,
                        static_cast<std::size_t>(d.backups.rend() - backup) - 1,
                        planned.step.into_place,
                        false,
                        {},
                        0,
                        now_.boot,
                        {}});
  // A ledger that was read before says nothing about what this brings back.
  if (planned.step.into_place) d.verified_since_fault = false;
  if (planned.step.into_place || planned.scratch_deed) return prepare_restore(planned);
  Task task;
  task.op = Op::restore_scratch;
  task.target = planned.step.target;
  task.backup = backup->taken;
  task.deadline = *lane().deadline;
  run(std::move(task));
}

// The fault that held the data of a restore's place when its backup was begun, and holds it still;
// null: none does, as far as the clocks tell. One that can be asked whether it has come back is
// asked instead.
const DeedState* Turn::held_over(const BackupNote& backup, const Step& restore) const {
  if (!restore.into_place || may_go_back(restore)) return nullptr;
  const std::string place = d.plan.place_of(restore.target);
  const auto fault = std::ranges::find_if(d.deeds, [&](const DeedState& deed) {
    const bool holds = deed.is_fault && deed.holds_data && deed.open() && !deed.comes_back;
    const bool same = std::ranges::find(deed.targets, place) != deed.targets.end();
    return holds && same && deed.injected && backup.at > deed.injected->boot &&
           backup.taken.taken > deed.injected->utc;
  });
  return fault != d.deeds.end() ? &*fault : nullptr;
}

// A point just before a fault is, by now, a time.
void Turn::prepare_restore(const PlannedStep& planned) {
  const std::string fault = step_before(planned.step.arguments.text("point"));
  const auto deed = std::ranges::find_if(
      d.deeds, [&](const auto& done) { return done.is_fault && done.step_id == fault; });
  if (!fault.empty() && (deed == d.deeds.end() || !deed->begun)) {
    return fail_step(blame(), "step " + planned.step.id + ": " + fault + " has not begun");
  }
  const std::string point = fault.empty() ? "" : rfc3339(deed->begun->utc);
  const std::size_t index = add_deed(planned);
  if (!point.empty()) d.deeds[index].deed.arguments.set("point", point);
  prepare(index);
}

void Turn::begin_revert(const PlannedStep& planned) {
  for (std::size_t i = 0; i < d.deeds.size(); ++i) {
    if (d.deeds[i].step_id == planned.step.revert && d.deeds[i].open()) return undo_all({i});
  }
  end_step(true);  // a superseding restore has closed it already
}

void Turn::begin_action(const PlannedStep& planned) { prepare(add_deed(planned)); }

// A lane for each of its steps. One that fails as it begins keeps the others from beginning.
void Turn::begin_parallel() {
  const std::size_t first = lane().step + 1;
  const std::size_t count = lane_step().inner;
  d.lanes.resize(1 + count);
  for (std::size_t i = 0; i < count; ++i) d.lanes[1 + i].step = first + i;
  for (std::size_t i = 0; i < count && !halted(); ++i) {
    lane_ = 1 + i;
    begin_step();
  }
}

void Turn::join_lanes() {
  if (halted() || !std::ranges::all_of(d.lanes | std::views::drop(1), &Lane::over)) return;
  d.lanes.resize(1);
  lane_ = 0;
  end_step(true);
}

void Turn::end_step(bool ok) {
  auto& state = d.steps[lane().step];
  state.ended = now_;
  state.ok = ok;
  record("step",
         Json::object(
             {{"id", state.id}, {"step", name_of(state.kind)}, {"what", "ended"}, {"ok", ok}}));
  lane().deed = kNoDeed;
  lane().deadline.reset();
  if (lane_ != 0) {
    lane().over = true;
    return join_lanes();
  }
  lane().step += 1 + lane_step().inner;
  begin_step();
}

// The timeline goes no further: what is open is reverted, and the end takes its course.
void Turn::give_up() {
  d.timeline_failed = true;
  break_off();
}

// In a lane that is being broken off, it is not this that has failed.
void Turn::fail_step(int code, std::string text) {
  if (!halted()) reason(code, std::move(text));
  give_up();
  end_step(false);
}

void Turn::step_timer_fired() {
  lane().step_timer = 0;
  if (lane().steady) return judge_steady(true);
  if (d.phase != Phase::running || halted()) return;
  const Step& step = lane_step();
  if (step.kind == StepKind::wait) return end_step(true);
  if (lane().asked) return nobody_answered();
  if (step.kind == StepKind::fault) return undo_all({lane().deed});
}

void Turn::begin_steady(const Step& terms) {
  lane().steady = SteadyWait{now_.boot, terms.steady_for, std::max(terms.within, terms.steady_for),
                             terms.names};
  for (const auto& name : lane().steady->probes) {
    auto& probe = d.probes[name];
    // A probe that is good as the step starts counts from there; a bad one from its first success.
    const bool good = probe.since_ok || probe.successes == 1;
    if (!probe.since_bad && good) probe.since_ok = now_.boot;
  }
  lane().step_timer = wake(now_.boot + lane().steady->within);
}

std::string Turn::not_steady() const {
  const SteadyWait& wait = *lane().steady;
  const auto holds = [&](const std::string& name) {
    const auto& probe = d.probes.at(name);
    if (probe.since_bad || !probe.since_ok || !probe.last_end) return false;
    // A probe that hangs says nothing, and nothing is not steady; nor do attempts of long ago that
    // a runner which was held up gets to see only now.
    const bool fresh = now_.boot - *probe.last_end <= probe.every + probe.timeout;
    const bool seen = *probe.last_end > wait.start;
    const Instant since = std::max(*probe.since_ok, wait.start);
    return fresh && seen && now_.boot - since >= wait.steady_for;
  };
  std::string names;
  for (const auto& name : wait.probes) {
    if (!holds(name)) names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

void Turn::judge_steady(bool at_deadline) {
  const std::string missing = not_steady();
  if (missing.empty()) return steady_over(true);
  if (at_deadline) steady_over(false, missing);
}

void Turn::steady_over(bool held, const std::string& missing) {
  const SteadyWait wait = *lane().steady;
  lane().steady.reset();
  lane().step_timer = 0;
  if (d.phase == Phase::settling) {
    d.steady_again = held;
    d.settle_missed = !held;
    record("settled", Json::object({{"held", held}}));
    return verify_at_end();
  }
  if (held) return end_step(true);
  const bool first = !d.any_injected;
  fail_step(first ? 3 : 1, "step " + d.steps[lane().step].id + ": no steady state for " +
                               shown(wait.steady_for) + " within " + shown(wait.within) + ": " +
                               missing);
}

}  // namespace gameday
