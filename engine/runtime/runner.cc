#include "engine/runtime/runner.h"

#include <algorithm>
#include <exception>

#include "engine/conductor/status.h"
#include "engine/runtime/replayer.h"

namespace gameday {
namespace {

constexpr Duration kLoopEvery = std::chrono::milliseconds(100);
constexpr Duration kEvidenceEvery = std::chrono::seconds(10);
constexpr Duration kReturnsWithin = std::chrono::seconds(1);
constexpr Duration kRenewEvery = std::chrono::milliseconds(500);
constexpr Duration kClocksEvery = std::chrono::seconds(1);

// A jump of more than a tenth of what is judged would bend what was taken from UTC.
Duration tolerated_jump(const Drill& drill) {
  constexpr Duration kWithoutObjectives = std::chrono::seconds(1);
  const auto judged = smallest(drill.plan.playbook->objectives);
  return judged ? *judged / 10 : kWithoutObjectives;
}

}  // namespace

Runner::Runner(Drill& drill, RunnerTerms terms)
    : drill_(drill),
      terms_(std::move(terms)),
      journaled_(drill, terms_.journal, *this),
      clock_watch_(terms_.clock, tolerated_jump(drill)) {}

Runner::~Runner() {
  leases_stop_.request();
  for (auto& [id, working] : working_) working.stop.request();
}

RunEnd Runner::run(Inbox& inbox) {
  inbox_ = &inbox;
  prober_ = std::make_unique<Prober>(
      terms_.performer, terms_.rows, terms_.clock,
      [&inbox](Sampled sample) { inbox.put(Happening(sample)); }, terms_.kept);
  link_watch_ = std::make_unique<LinkWatch>(
      drill_.plan.playbook->system.links, terms_.clock,
      [&inbox](Json seen) { inbox.put(Noted{"link", std::move(seen)}); });
  leases_thread_ = std::jthread([this] { renew_leases(leases_stop_.stop()); });
  last_evidence_ = terms_.clock.now().boot;
  try {
    happen(Begun{});
    while (!end_) {
      if (auto message = inbox.take(next_wait())) take_in(*message);
      fire_timers();
      look_for_trouble();
      if (terms_.ticker) terms_.ticker(drill_);
    }
  } catch (const std::exception& error) {
    trouble_ = error.what();
    end_ = RunEnd::defect;
  }
  prober_.reset();
  link_watch_.reset();
  leases_stop_.request();
  if (end_ == RunEnd::closed) look_at_clocks();
  return *end_;
}

void Runner::take_in(const Message& message) {
  if (const auto* noted = std::get_if<Noted>(&message)) return note(*noted);
  if (const auto* asked = std::get_if<Asked>(&message)) {
    return asked->answer->set_value(answer(*asked));
  }
  happen(std::get<Happening>(message));
}

void Runner::note(const Noted& noted) {
  journaled_.note(noted.type, noted.data, Durability::batched);
  if (noted.type == "window") windows_[noted.data.text("load")] = noted.data;
}

bool Runner::happen(const Happening& happening) {
  if (const auto* done = std::get_if<Done>(&happening)) working_.erase(done->task);
  const bool kept = journaled_.happen(happening);
  if (journaled_.end() && !end_) {
    trouble_ = journaled_.trouble();
    end_ = *journaled_.end() == JournaledDrill::End::closed ? RunEnd::closed : RunEnd::fenced;
  }
  return kept;
}

// What is said to be done is in the journal.
Result<Json> Runner::answer(const Asked& asked) {
  TRY(request, door_request(asked.request));
  switch (request.op) {
    case DoorOp::status: return status();
    case DoorOp::stop: return stop_for(request, asked.who);
    case DoorOp::note: return note_for(request, asked.who);
    case DoorOp::answer: return answer_for(request, asked.who);
  }
  return fail(ErrorCode::invalid, "no such request");
}

// One that does not count is in the journal too: somebody has tried.
Result<Json> Runner::answer_for(const DoorRequest& request, const Person& who) {
  const Answered answered{request.what, request.step, request.role, request.text, who};
  const auto lane = lane_answered(drill_, answered);
  const std::string step = lane ? drill_.steps[drill_.lanes[*lane].step].id : "";
  const bool kept = happen(answered);
  if (!lane) return std::unexpected(lane.error());
  if (!kept) return fail(ErrorCode::failed, "the answer could not be written into the journal");
  return Json::object({{"id", step}});
}

// A person at the drill's own terminal: its operator.
void Runner::hear_terminal() {
  while (!end_ && terms_.typed) {
    const auto line = terms_.typed();
    if (!line) return;
    const auto request = typed_request(*line);
    if (request) {
      const Person who{drill_.plan.operator_name, drill_.plan.operator_uid, "terminal"};
      happen(Answered{request->what, request->step, "", request->text, who});
    } else if (terms_.watcher) {
      terms_.watcher(drill_, "not_understood", Json::object({{"error", request.error().text}}));
    }
  }
}

Result<Json> Runner::stop_for(const DoorRequest& request, const Person& who) {
  std::string reason = "stopped by " + who.name;
  if (!request.text.empty()) reason += ": " + request.text;
  const bool again = drill_.stop.has_value();
  const bool kept = happen(StopAsked{StopBy::person, reason, "", now().boot, who});
  if (!kept) {
    return fail(ErrorCode::failed, "the stop could not be written into the journal",
                "a drill whose journal cannot be written stops by itself; ask for its status");
  }
  if (!drill_.stop) {
    return fail(ErrorCode::conflict, "the drill is closing: everything is undone already");
  }
  return Json::object({{"phase", name_of(drill_.phase)}, {"again", again}});
}

Result<Json> Runner::note_for(const DoorRequest& request, const Person& who) {
  constexpr int kMostNotes = 1000;
  if (++notes_ > kMostNotes) {
    return fail(ErrorCode::refused,
                "the drill has taken its " + std::to_string(kMostNotes) + " notes");
  }
  const Json data = Json::object({{"who", to_json(who)}, {"text", request.text}});
  if (!journaled_.note("note", data, Durability::durable)) {
    return fail(ErrorCode::failed, "the note could not be written into the journal");
  }
  return Json::object();
}

Json Runner::status() const {
  Json status = status_json(drill_, terms_.clock.now());
  Json loads = Json::array();
  for (const auto& [name, window] : windows_) {
    const double due = window.number("due", 0);
    loads.push(Json::object({{"load", name},
                             {"rate", window.get("sent")},
                             {"success", due > 0 ? Json(window.number("ok", 0) / due) : Json()},
                             {"p50_s", window.get("p50_s")},
                             {"p99_s", window.get("p99_s")}}));
  }
  return status.set("load", std::move(loads));
}

void Runner::wake(const Wake& wake) { timers_.emplace(wake.at, wake.timer); }

void Runner::ask(const Ask& ask) {
  const ProbeSpec* probe = drill_.plan.playbook->probe(ask.probe);
  if (prober_ == nullptr || probe == nullptr) return;
  ask.on ? prober_->ask(*probe) : prober_->leave(ask.probe);
}

void Runner::journaled(std::string_view type, const Json& data) {
  if (terms_.watcher) terms_.watcher(drill_, type, data);
  const std::string mark = data.text("deed");
  const bool owes = type == "deed" && data.text("kind") != kActionKind;
  if (owes && terms_.guardian != nullptr) {
    terms_.guardian->owe(mark, Instant(Duration(data.integer("not_after_ns", 0))));
  }
  // Residue is named at the end; its not_after must not end the rest of the drill.
  if (type == "residue" || (type == "gone" && data.boolean("closes", false))) settle_up(mark);
  if (type != "superseded") return;
  for (const auto& superseded : data.items("deeds")) settle_up(superseded.text());
}

// Nothing is owed for this deed any more, and nothing holds it.
void Runner::settle_up(const std::string& mark) {
  if (terms_.guardian != nullptr) terms_.guardian->paid(mark);
  const std::lock_guard lock(leases_mutex_);
  leases_.erase(mark);
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
  // What answers no more because the drill stops it has not failed.
  if (task.op == Op::system_stop) {
    prober_.reset();
    link_watch_.reset();
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
    const Task& task = drill_.tasks.at(id);
    const bool scratch = task.op == Op::restore_scratch && task.deed != kNoDeed;
    if (task.op != Op::inject && task.op != Op::prepare && !scratch) continue;
    trouble_ = "a deed has not returned 1 s after it was stopped";
    end_ = RunEnd::unreturned;
    return;
  }
  const int stops = terms_.stop_requests ? terms_.stop_requests() : 0;
  for (; stops_seen_ < stops && !end_; ++stops_seen_) {
    happen(StopAsked{StopBy::person, "stopped by a person", "", now});
  }
  hear_terminal();
  for (const auto& [load, text] : terms_.performer.load_problems()) {
    if (told_problems_.insert(load).second && !end_) happen(LoadProblem{load, text});
  }
  if (now - last_evidence_ >= kEvidenceEvery) note_evidence();
  if (now - last_clocks_ >= kClocksEvery) look_at_clocks();
}

// Into the journal itself: at the end, the drill takes no notes any more.
void Runner::look_at_clocks() {
  last_clocks_ = terms_.clock.now().boot;
  const auto set_by = clock_watch_.look();
  if (!set_by) return;
  const Json data = Json::object({{"set_by_s", seconds(*set_by)}});
  const auto kept = terms_.journal.append(now(), "clock", data, Durability::durable);
  if (kept && terms_.watcher) terms_.watcher(drill_, "clock", data);
}

// What the ledger files hold so far, hashed into the chain: they cannot be written anew later.
void Runner::note_evidence() {
  last_evidence_ = terms_.clock.now().boot;
  for (const auto& ledger : terms_.performer.ledgers()) {
    journaled_.note(
        "evidence",
        Json::object(
            {{"file", ledger.file}, {"bytes", ledger.mark.bytes}, {"sha256", ledger.mark.digest}}),
        Durability::durable);
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
