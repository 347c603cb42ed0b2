#include "engine/runtime/runner.h"

#include <algorithm>
#include <exception>

#include "engine/runtime/replayer.h"

namespace gameday {
namespace {

constexpr Duration kLoopEvery = std::chrono::milliseconds(100);
constexpr Duration kEvidenceEvery = std::chrono::seconds(10);
constexpr Duration kReturnsWithin = std::chrono::seconds(1);
constexpr Duration kRenewEvery = std::chrono::milliseconds(500);

// Putting back goes on without a journal; starting anything new does not.
bool goes_on_unjournaled(Op op) {
  switch (op) {
    case Op::prepare:
    case Op::inject:
    case Op::prove:
    case Op::backup:
    case Op::restore_scratch: return false;
    default: return true;
  }
}

}  // namespace

Runner::Runner(Drill& drill, RunnerTerms terms) : drill_(drill), terms_(std::move(terms)) {}

Runner::~Runner() {
  leases_stop_.request();
  for (auto& [id, working] : working_) working.stop.request();
}

RunEnd Runner::run(Inbox& inbox) {
  inbox_ = &inbox;
  prober_ = std::make_unique<Prober>(terms_.performer, terms_.rows, terms_.clock,
                                     [&inbox](Sampled sample) { inbox.put(Happening(sample)); });
  leases_thread_ = std::jthread([this] { renew_leases(leases_stop_.stop()); });
  last_evidence_ = terms_.clock.now().boot;
  try {
    happen(Begun{});
    while (!end_) {
      if (auto message = inbox.take(next_wait())) take_in(*message);
      fire_timers();
      look_for_trouble();
    }
  } catch (const std::exception& error) {
    trouble_ = error.what();
    end_ = RunEnd::defect;
  }
  prober_.reset();
  leases_stop_.request();
  return *end_;
}

void Runner::take_in(const Message& message) {
  if (const auto* noted = std::get_if<Noted>(&message)) {
    (void)terms_.journal.append(terms_.clock.now(), noted->type, noted->data, Durability::batched);
    if (terms_.watcher) terms_.watcher(drill_, noted->type, noted->data);
    return;
  }
  happen(std::get<Happening>(message));
}

Result<std::uint64_t> Runner::append(Now now, const Described& described) {
  auto kept = terms_.journal.append(now, described.type, described.data,
                                    described.durable ? Durability::durable : Durability::batched);
  if (!kept && kept.error().code == ErrorCode::fenced) {
    trouble_ = kept.error().text;
    end_ = RunEnd::fenced;
  }
  return kept;
}

// An event goes into the journal, then through the conductor. One that cannot be journaled has not
// happened, but for what puts something back.
void Runner::happen(const Happening& happening) {
  const Now now = terms_.clock.now();
  const auto* done = std::get_if<Done>(&happening);
  if (done != nullptr) {
    working_.erase(done->task);
    if (!drill_.tasks.contains(done->task)) return;
  }
  drill_.now = now;
  const Described described = describe(drill_, happening);
  const auto kept = append(now, described);
  if (end_) return;
  if (terms_.watcher) terms_.watcher(drill_, described.type, described.data);
  if (kept) {
    if (done != nullptr && drill_.tasks.at(done->task).op == Op::prove) {
      drill_.deeds[drill_.tasks.at(done->task).deed].proof_event = *kept;
    }
    tell_guardian(happening, described);
    return feed(now, happening);
  }
  const bool goes_on = done != nullptr && goes_on_unjournaled(drill_.tasks.at(done->task).op);
  JournalFailed failed{kept.error(), {}};
  if (done != nullptr && !goes_on) failed.task = done->task;
  feed(now, failed);
  if (goes_on) feed(now, happening);
}

void Runner::feed(Now now, const Happening& happening) { obey(step(drill_, now, happening)); }

void Runner::obey(const std::vector<DrillCommand>& commands) {
  for (const auto& command : commands) {
    if (end_) return;
    if (const auto* task = std::get_if<Task>(&command)) begin(*task);
    if (const auto* stopped = std::get_if<Cancel>(&command)) cancel(stopped->task);
    if (const auto* wake = std::get_if<Wake>(&command)) timers_.emplace(wake->at, wake->timer);
    if (std::holds_alternative<StartProbes>(command)) prober_->start(drill_.plan.playbook->probes);
    if (const auto* decided = std::get_if<Record>(&command)) record(*decided);
    if (std::holds_alternative<Finish>(command)) end_ = RunEnd::closed;
  }
}

void Runner::record(const Record& decided) {
  const auto kept = append(terms_.clock.now(), {decided.type, decided.data, true});
  if (!kept && !end_) inbox_->put(Happening(JournalFailed{kept.error(), {}}));
  if (terms_.watcher) terms_.watcher(drill_, decided.type, decided.data);
  if (decided.type == "superseded") {
    const std::string mark = decided.data.text("deed");
    if (terms_.guardian != nullptr) terms_.guardian->paid(mark);
    const std::lock_guard lock(leases_mutex_);
    leases_.erase(mark);
  }
}

void Runner::begin(const Task& task) {
  if (task.op == Op::inject && undo_functions(terms_.rows, task.undo.kind).renew != nullptr) {
    const std::lock_guard lock(leases_mutex_);
    leases_[task.mark] = task.undo;
  }
  if (task.op == Op::undo) {
    const std::lock_guard lock(leases_mutex_);
    leases_.erase(task.mark);
  }
  Working& working = working_[task.id];
  working.thread = std::jthread([this, task, stop = working.stop.stop()] {
    inbox_->put(Happening(terms_.performer.perform(task, stop)));
  });
}

void Runner::cancel(TaskId id) {
  const auto found = working_.find(id);
  if (found == working_.end() || found->second.cancelled) return;
  found->second.stop.request();
  found->second.cancelled = terms_.clock.now().boot;
}

void Runner::tell_guardian(const Happening& happening, const Described& described) {
  if (terms_.guardian == nullptr || !std::holds_alternative<Done>(happening)) return;
  const std::string mark = described.data.text("deed");
  if (described.type == "deed") {
    terms_.guardian->owe(mark, Instant(Duration(described.data.integer("not_after_ns", 0))));
  }
  if (described.type == "gone" && described.data.boolean("held", false))
    terms_.guardian->paid(mark);
}

void Runner::fire_timers() {
  while (!timers_.empty() && !end_ && timers_.begin()->first <= terms_.clock.now().boot) {
    const TimerId timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    happen(Woken{timer});
  }
}

Duration Runner::next_wait() const {
  if (timers_.empty()) return kLoopEvery;
  const Duration left = timers_.begin()->first - terms_.clock.now().boot;
  return std::clamp<Duration>(left, Duration{}, kLoopEvery);
}

// What nobody tells us, and must be looked at: the guardian, our own tasks, the loads, a person.
void Runner::look_for_trouble() {
  const Instant now = terms_.clock.now().boot;
  if (end_) return;
  if (terms_.guardian != nullptr && now - last_beat_ >= kHeartbeatEvery) {
    terms_.guardian->beat();
    last_beat_ = now;
    if (terms_.guardian->lost() && !drill_.stop) {
      happen(StopAsked{StopBy::guardian, "the guardian has died", "", now});
    }
  }
  for (const auto& [id, working] : working_) {
    if (!working.cancelled || now - *working.cancelled < kReturnsWithin) continue;
    if (!drill_.tasks.contains(id)) continue;
    const Op op = drill_.tasks.at(id).op;
    if (op != Op::inject && op != Op::prepare) continue;
    trouble_ = "a deed has not returned 1 s after it was stopped";
    end_ = RunEnd::unreturned;
    return;
  }
  const int stops = terms_.stop_requests ? terms_.stop_requests() : 0;
  for (; stops_seen_ < stops && !end_; ++stops_seen_) {
    happen(StopAsked{StopBy::person, "stopped by a person", "", now});
  }
  for (const auto& [load, text] : terms_.performer.load_problems()) {
    if (told_problems_.insert(load).second && !end_) happen(LoadProblem{load, text});
  }
  if (now - last_evidence_ >= kEvidenceEvery) note_evidence();
}

// What the ledger files hold so far, hashed into the chain: they cannot be written anew later.
void Runner::note_evidence() {
  last_evidence_ = terms_.clock.now().boot;
  for (const auto& ledger : terms_.performer.ledgers()) {
    (void)append(terms_.clock.now(), {"evidence",
                                      Json::object({{"file", ledger.file},
                                                    {"bytes", ledger.mark.bytes},
                                                    {"sha256", ledger.mark.digest}}),
                                      true});
  }
}

void Runner::renew_leases(const Stop& stop) {
  while (true) {
    std::map<std::string, Undo> leases;
    {
      const std::lock_guard lock(leases_mutex_);
      leases = leases_;
    }
    for (const auto& [mark, undo] : leases) {
      const auto functions = undo_functions(terms_.rows, undo.kind);
      // A lease that cannot be renewed ends by itself, and the fault with it: the proof that it is
      // gone then says nothing new, and the drill's other samples show the early end.
      (void)functions.renew(undo,
                            terms_.performer.context(mark, {stop, terms_.clock.in(kRenewEvery)}));
    }
    if (!terms_.clock.sleep({stop, terms_.clock.in(kRenewEvery)})) return;
  }
}

}  // namespace gameday
