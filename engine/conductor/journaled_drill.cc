#include "engine/conductor/journaled_drill.h"

#include <algorithm>

namespace gameday {
namespace {

// Putting back goes on without a journal; starting anything new does not.
bool puts_back_or_ends(Op op) {
  switch (op) {
    case Op::prepare:
    case Op::inject:
    case Op::prove:
    case Op::still_bites:
    case Op::backup:
    case Op::restore_scratch: return false;
    default: return true;
  }
}

}  // namespace

// A timer is our own word to ourselves: without it a pause between two tries would never end.
bool JournaledDrill::goes_on_unjournaled(const Happening& happening) const {
  if (std::holds_alternative<Woken>(happening)) return true;
  const auto* done = std::get_if<Done>(&happening);
  return done != nullptr && puts_back_or_ends(drill_.tasks.at(done->task).op);
}

Result<std::uint64_t> JournaledDrill::append(Now now, std::string_view type, const Json& data,
                                             Durability durability) {
  auto kept = journal_.append(now, type, data, durability);
  if (kept) events_ = *kept;
  if (!kept) (void)fenced(std::unexpected(kept.error()));
  return kept;
}

bool JournaledDrill::happen(const Happening& happening) {
  if (end_) return false;
  const bool kept = take(happening);
  while (!end_ && !failures_.empty()) {
    const JournalFailed failed = std::move(failures_.front());
    failures_.pop_front();
    (void)take(failed);
  }
  return kept;
}

bool JournaledDrill::take(const Happening& happening) {
  const Now now = hands_.now();
  const auto* done = std::get_if<Done>(&happening);
  if (done != nullptr && !drill_.tasks.contains(done->task)) return false;
  drill_.now = now;
  const Described described = describe(drill_, happening);
  const auto kept = append(now, described.type, described.data,
                           described.durable ? Durability::durable : Durability::batched);
  if (end_) return false;
  if (kept) {
    if (done != nullptr) note_proof(drill_.tasks.at(done->task), *kept);
    hands_.journaled(described.type, described.data);
    feed(now, happening, described.durable);
    return true;
  }
  const bool goes_on = goes_on_unjournaled(happening);
  JournalFailed failed{kept.error(), {}};
  if (done != nullptr && !goes_on) failed.task = done->task;
  feed(now, failed, true);
  if (!goes_on) return false;
  // What is put back is put back, journal or not; nobody is to go on waiting for it.
  hands_.journaled(described.type, described.data);
  feed(now, happening, true);
  return false;
}

void JournaledDrill::note_proof(const Task& task, std::uint64_t event) {
  if (task.op != Op::prove) return;
  DeedState& deed = drill_.deeds[task.deed];
  if (deed.proof_event == 0) deed.proof_event = event;
}

bool JournaledDrill::note(std::string_view type, const Json& data, Durability durability) {
  if (end_) return false;
  const auto kept = append(hands_.now(), type, data, durability);
  if (kept) hands_.journaled(type, data);
  return kept.has_value();
}

void JournaledDrill::feed(Now now, const Happening& happening, bool durable) {
  if (end_) return;
  const auto commands = step(drill_, now, happening);
  // A batched event has not asked yet whether we still have the drill; before anything is done to
  // the system because of it, it must.
  const bool acts = std::ranges::any_of(
      commands, [](const auto& command) { return std::holds_alternative<Task>(command); });
  if (acts && !durable && fenced(journal_.flush())) return;
  obey(commands);
}

bool JournaledDrill::fenced(const Status& kept) {
  if (kept || kept.error().code != ErrorCode::fenced) return false;
  trouble_ = kept.error().text;
  end_ = End::fenced;
  return true;
}

void JournaledDrill::obey(const std::vector<DrillCommand>& commands) {
  for (const auto& command : commands) {
    if (end_) return;
    if (const auto* task = std::get_if<Task>(&command)) hands_.begin(*task);
    if (const auto* cancelled = std::get_if<Cancel>(&command)) hands_.cancel(cancelled->task);
    if (const auto* woken = std::get_if<Wake>(&command)) hands_.wake(*woken);
    if (const auto* ask = std::get_if<Ask>(&command)) hands_.ask(*ask);
    if (const auto* decided = std::get_if<Record>(&command)) record(*decided);
    if (std::holds_alternative<Finish>(command)) end_ = End::closed;
  }
}

void JournaledDrill::record(const Record& decided) {
  auto kept = append(hands_.now(), decided.type, decided.data, Durability::durable);
  if (!kept && !end_) {
    if (!drill_.stop) failures_.push_back({kept.error(), {}});
    // The reserve has been freed for this: what was decided is to be there for whoever comes next.
    kept = append(hands_.now(), decided.type, decided.data, Durability::durable);
  }
  if (kept) return hands_.journaled(decided.type, decided.data);
  if (decided.type == "verdict") unkept_ = kept.error().text;
}

JournaledDrill::Closing JournaledDrill::close() {
  const Judgement judged = judge(drill_);
  Closing closing{judged.exit_code, judged.verdict, ""};
  const auto kept = journal_.append(hands_.now(), kClosing, Json::object({{"events", events_ + 1}}),
                                    Durability::durable);
  if (kept && unkept_.empty()) return closing;
  closing.problem = kept ? unkept_ : kept.error().text;
  if (closing.exit_code != 5) closing.exit_code = 4;
  return closing;
}

}  // namespace gameday
