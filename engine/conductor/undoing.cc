// Putting everything back: newest first, each tried several times, one that fails stopping none of
// the others, and each looked at afterwards.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/conductor/turn.h"

namespace gameday {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(100);

std::deque<std::size_t> open_deeds(const Drill& drill, bool loads) {
  std::deque<std::size_t> found;
  for (std::size_t i = drill.deeds.size(); i-- > 0;) {
    const bool load = drill.deeds[i].deed.kind == "load";
    if (drill.deeds[i].open() && load == loads) found.push_back(i);
  }
  return found;
}

}  // namespace

bool end_unknown(const Status& injection) {
  if (injection) return false;
  const auto code = injection.error().code;
  return code == ErrorCode::timed_out || code == ErrorCode::stopped;
}

bool may_still_arrive(const DeedState& deed, Instant now) {
  return deed.uncertain && deed.injected && now < deed.injected->boot + Deadlines::settle;
}

void Turn::start_reverting() {
  d.steady.reset();
  d.step_timer = 0;
  if (d.phase == Phase::running && d.step < d.steps.size() && d.steps[d.step].started &&
      !d.steps[d.step].ended) {
    d.steps[d.step].ended = now_;
  }
  enter(Phase::reverting);
  undo_all(open_deeds(d, false));
}

void Turn::clean() {
  enter(Phase::cleaning);
  undo_all(open_deeds(d, true));
}

void Turn::undo_all(std::deque<std::size_t> newest_first) {
  d.to_undo = std::move(newest_first);
  next_undo();
}

void Turn::next_undo() {
  while (!d.to_undo.empty() && !d.deeds[d.to_undo.front()].open()) d.to_undo.pop_front();
  if (d.to_undo.empty()) return undoing_over();
  d.current_deed = d.to_undo.front();
  DeedState& deed = d.deeds[d.current_deed];
  if (deed.held_by_lease && deed.stage == Stage::proven && !deed.proven_again && !d.stop) {
    deed.proven_again = true;
    run(deed_task(d.current_deed, Op::prove, Deadlines::prove));
    return;
  }
  run(deed_task(d.current_deed, Op::undo, Deadlines::undo));
}

void Turn::undone(const Task& task, const Done& done) {
  if (!done.status) return undo_failed(task.deed, done.status.error().text);
  run(deed_task(task.deed, Op::look, Deadlines::look));
}

void Turn::looked(const Task& task, const Done& done) {
  DeedState& deed = d.deeds[task.deed];
  const auto* proof = std::get_if<Proof>(&done.value);
  if (!done.status || proof == nullptr) {
    return undo_failed(task.deed, done.status ? "nothing was seen" : done.status.error().text);
  }
  if (!proof->held) return undo_failed(task.deed, proof->text);
  if (may_still_arrive(deed, now_.boot)) {
    // It stays owed, and is looked at once more.
    d.late_timer = wake(deed.injected->boot + Deadlines::settle);
    return;
  }
  deed.stage = Stage::undone;
  deed.reverted = now_;
  d.last_undone = now_;
  next_undo();
}

void Turn::late_look() {
  d.late_timer = 0;
  if (d.current_deed == kNoDeed) return;
  run(deed_task(d.current_deed, Op::look, Deadlines::look));
}

void Turn::undo_failed(std::size_t index, std::string why) {
  DeedState& deed = d.deeds[index];
  deed.trouble = std::move(why);
  if (++deed.undo_tries < kUndoTries) {
    d.retry_timer = wake(now_.boot + kFirstRetry * (1 << (deed.undo_tries - 1)));
    return;
  }
  deed.stage = Stage::residue;
  d.residue.push_back(
      {called(deed) + ": " + deed.trouble,
       "gameday revert " + d.plan.drill + "; its undo: " + to_json(deed.undo).dump()});
  record("residue", Json::object({{"deed", deed.mark},
                                  {"id", deed.step_id},
                                  {"kind", deed.deed.kind},
                                  {"text", deed.trouble}}));
  next_undo();
}

void Turn::undoing_over() {
  d.current_deed = kNoDeed;
  switch (d.phase) {
    case Phase::running: {
      const bool failed = std::ranges::any_of(d.deeds, [&](const auto& deed) {
        return deed.stage == Stage::residue && deed.step_id == d.steps[d.step].id;
      });
      if (failed) d.timeline_failed = true;
      return end_step(!failed);
    }
    case Phase::reverting:
      if (d.stop) d.stop->undone = now_.boot;
      return settle();
    case Phase::cleaning: return close();
    default: GD_ASSERT(false);
  }
}

}  // namespace gameday
