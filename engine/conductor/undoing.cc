// Putting everything back: newest first, each tried several times, one that fails stopping none of
// the others, and each looked at afterwards.
#include <algorithm>
#include <functional>

#include "engine/base/assert.h"
#include "engine/base/by_hand.h"
#include "engine/conductor/turn.h"

namespace gameday {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(100);

std::deque<std::size_t> open_deeds(const Drill& drill, bool loads) {
  std::deque<std::size_t> found;
  for (std::size_t i = 0; i < drill.deeds.size(); ++i) {
    const bool load = drill.deeds[i].deed.kind == "load";
    if (drill.deeds[i].open() && load == loads) found.push_back(i);
  }
  // Of two lanes, the one that was prepared later may have been recorded first.
  std::ranges::sort(found, std::greater(), [&](auto i) { return drill.deeds[i].recorded; });
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
  end_open_steps();
  lane_ = 0;
  d.lanes.assign(1, Lane());
  enter(Phase::reverting);
  undo_all(open_deeds(d, false));
}

// What was broken off, and what it was part of.
void Turn::end_open_steps() {
  for (std::size_t i = d.steps.size(); i-- > 0;) {
    auto& step = d.steps[i];
    if (!step.started || step.ended) continue;
    step.ended = now_;
    if (!d.stop) {
      record(
          "step",
          Json::object(
              {{"id", step.id}, {"step", name_of(step.kind)}, {"what", "ended"}, {"ok", false}}));
    }
  }
}

void Turn::clean() {
  enter(Phase::cleaning);
  undo_all(open_deeds(d, true));
}

void Turn::undo_all(std::deque<std::size_t> newest_first) {
  lane().to_undo = std::move(newest_first);
  next_undo();
}

void Turn::next_undo() {
  auto& to_undo = lane().to_undo;
  while (!to_undo.empty() && !d.deeds[to_undo.front()].open()) to_undo.pop_front();
  if (to_undo.empty()) return undoing_over();
  lane().deed = to_undo.front();
  DeedState& deed = d.deeds[lane().deed];
  if (deed.may_end_early && deed.stage == Stage::proven && !deed.proven_again && !d.stop) {
    deed.proven_again = true;
    run(deed_task(lane().deed, Op::prove, Deadlines::prove));
    return;
  }
  // Nobody hangs on what a load wrote, as they do on a fault: all tries together take what one may.
  if (d.phase == Phase::cleaning) lane().deadline = now_.boot + Deadlines::undo;
  run(undo_task(lane().deed));
}

Task Turn::undo_task(std::size_t index) const {
  Task task = deed_task(index, Op::undo, Deadlines::undo);
  if (d.phase == Phase::cleaning) task.deadline = std::min(task.deadline, *lane().deadline);
  return task;
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
    lane().late_timer = wake(deed.injected->boot + Deadlines::settle);
    return;
  }
  deed.stage = Stage::undone;
  deed.reverted = now_;
  // The fault is gone, and something that the system should have kept through it is too.
  if (const auto lost = proof->facts.text("lost"); !lost.empty()) {
    reason(1, called(deed) + ": " + lost);
  }
  d.last_undone = now_;
  next_undo();
}

void Turn::late_look() {
  lane().late_timer = 0;
  if (lane().deed == kNoDeed) return;
  run(deed_task(lane().deed, Op::look, Deadlines::look));
}

void Turn::undo_failed(std::size_t index, std::string why) {
  DeedState& deed = d.deeds[index];
  deed.trouble = std::move(why);
  const Instant again = now_.boot + kFirstRetry * (1 << deed.undo_tries);
  const bool in_time = d.phase != Phase::cleaning || again < *lane().deadline;
  if (++deed.undo_tries < kUndoTries && in_time) {
    lane().retry_timer = wake(again);
    return;
  }
  deed.stage = Stage::residue;
  d.residue.push_back(
      {called(deed) + ": " + deed.trouble,
       revert_by_hand(d.plan.store, d.plan.drill) + "; its undo: " + to_json(deed.undo).dump()});
  record("residue", Json::object({{"deed", deed.mark},
                                  {"id", deed.step_id},
                                  {"kind", deed.deed.kind},
                                  {"text", deed.trouble}}));
  next_undo();
}

void Turn::undoing_over() {
  const std::size_t last = std::exchange(lane().deed, kNoDeed);
  switch (d.phase) {
    case Phase::running: {
      const bool failed = d.deeds[last].stage == Stage::residue;
      if (failed) give_up();
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
