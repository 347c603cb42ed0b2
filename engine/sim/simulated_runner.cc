#include "engine/sim/simulated_runner.h"

#include <algorithm>

namespace gameday {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kWindow = std::chrono::seconds(1);
// No drill that goes on takes so long; one that waits for nothing has its probes asked for ever.
constexpr Duration kLongest = std::chrono::hours(2);
constexpr Duration kReturnsWithin = std::chrono::seconds(1);

}  // namespace

SimulatedRunner::SimulatedRunner(Drill& drill, Journal& journal, SimulatedSystem& system,
                                 Random random, double most_rate)
    : drill_(drill),
      system_(system),
      journaled_(drill, journal, *this),
      random_(random),
      most_rate_(most_rate) {}

void SimulatedRunner::appended(std::uint64_t count) {
  const Failures& failures = system_.failures();
  const Instant soon = now().boot + microseconds(1);
  if (std::ranges::find(failures.stops, count) != failures.stops.end()) {
    happen_at(soon, StopAsked{StopBy::person, "stopped by a person", "", soon});
  }
  if (count == failures.guardian_dies_at) {
    guardian_lives_ = false;
    const Instant seen = now().boot + milliseconds(random_.below(500));
    agenda_.add(seen, [this, seen] {
      if (!drill_.stop) happen(StopAsked{StopBy::guardian, "the guardian has died", "", seen});
    });
  }
  if (count == failures.freeze.at) frozen_ = now().boot;
}

SimulatedEnd SimulatedRunner::run(const Frozen& frozen, Begins begins) {
  begins_ = std::move(begins);
  const Instant latest = now().boot + kLongest;
  happen(Begun{});
  while (!journaled_.end() && !unreturned_) {
    if (frozen_) {
      const Instant since = *std::exchange(frozen_, std::nullopt);
      finish_under_way();
      if (frozen(since)) return SimulatedEnd::overdue;
    }
    if (agenda_.empty() || agenda_.next() > latest) return SimulatedEnd::idle;
    const auto not_after = earliest_not_after();
    if (guardian_lives_ && not_after && agenda_.next() > *not_after) return SimulatedEnd::overdue;
    system_.advance(agenda_.next());
    agenda_.take()();
  }
  if (unreturned_) return SimulatedEnd::unreturned;
  return journaled_.end() == JournaledDrill::End::closed ? SimulatedEnd::closed
                                                         : SimulatedEnd::fenced;
}

// What was asked of others goes on while we are stopped; only its answer has to wait.
void SimulatedRunner::finish_under_way() {
  for (auto& [id, working] : working_) {
    if (!working.answer || working.hangs || working.cancelled) continue;
    working.answer = [done = working.answer()] { return done; };
  }
}

std::optional<Instant> SimulatedRunner::earliest_not_after() const {
  std::optional<Instant> earliest;
  for (const auto& [mark, not_after] : owed_) {
    if (!earliest || not_after < *earliest) earliest = not_after;
  }
  return earliest;
}

void SimulatedRunner::happen(const Happening& happening) { journaled_.happen(happening); }

void SimulatedRunner::happen_at(Instant at, Happening happening) {
  agenda_.add(at, [this, happening = std::move(happening)] { happen(happening); });
}

void SimulatedRunner::wake(const Wake& wake) { happen_at(wake.at, Woken{wake.timer}); }

void SimulatedRunner::journaled(std::string_view type, const Json& data) {
  if (type == "asked") ask_people(data);
  if (type == "deed" && data.text("kind") != kActionKind) {
    owed_[data.text("deed")] = Instant(Duration(data.integer("not_after_ns", 0)));
  }
  const bool given_up = type == "residue";
  if (given_up || (type == "gone" && data.boolean("closes", false))) {
    owed_.erase(data.text("deed"));
  }
  if (type != "superseded") return;
  for (const auto& mark : data.items("deeds")) owed_.erase(mark.text());
}

// Somebody answers in a while, if at all. An operator who may not decide tries all the same.
void SimulatedRunner::ask_people(const Json& asked) {
  const PeopleFailure failure = system_.failures().people;
  if (failure == PeopleFailure::silent) return;
  const bool approval = asked.text("step") == "approve";
  Answered answer;
  answer.what = approval ? Answered::What::approved : Answered::What::acknowledged;
  answer.step = random_.chance(0.5) ? asked.text("id") : "";
  answer.who = {"sre", 1001, "socket"};
  if (failure == PeopleFailure::operator_alone) {
    answer.who = {drill_.plan.operator_name, drill_.plan.operator_uid, "terminal"};
  }
  if (failure == PeopleFailure::refuse) {
    if (!approval) return;
    answer.what = Answered::What::refused;
    answer.reason = "not today";
  }
  const Instant at = now().boot + system_.takes(milliseconds(5), milliseconds(800));
  happen_at(at, answer);
  if (failure != PeopleFailure::twice) return;
  happen_at(at + milliseconds(1 + random_.below(300)), answer);
  answer.step = "no-such-step";
  happen_at(at + microseconds(1), std::move(answer));
}

void SimulatedRunner::ask(const Ask& ask) {
  const std::uint64_t asking = ++askings_[ask.probe];
  const ProbeSpec* probe = drill_.plan.playbook->probe(ask.probe);
  if (!ask.on || probe == nullptr) return;
  ask_probe(*probe, now().boot + microseconds(random_.below(20'000)), asking);
}

// An attempt that outlasts its interval delays the next one, as it does in a drill.
void SimulatedRunner::ask_probe(const ProbeSpec& probe, Instant due, std::uint64_t asking) {
  agenda_.add(due, [this, &probe, due, asking] {
    if (askings_[probe.name] != asking) return;
    Sampled sample;
    sample.probe = probe.name;
    sample.start = now().boot;
    sample.end = sample.start + milliseconds(1) + from_seconds(random_.exponential(0.004));
    sample.ok = system_.serves(sample.start);
    sample.text = sample.ok ? "status 200" : "status 503, expected 200";
    if (!sample.ok && random_.chance(0.3)) {
      sample.end = sample.start + probe.timeout;
      sample.text = "no answer";
    }
    if (const auto until = system_.probes_hang_until(sample.start)) {
      sample.ok = false;
      sample.text = "no answer";
      sample.end = std::max(sample.start + probe.timeout, *until);
    }
    agenda_.add(sample.end, [this, sample, asking] {
      if (askings_[sample.probe] == asking) happen(sample);
    });
    ask_probe(probe, std::max(due + probe.every, sample.end), asking);
  });
}

void SimulatedRunner::tell_window(const std::string& load, Instant from) {
  agenda_.add(from + kWindow, [this, load, from] {
    const SimulatedLoad* running = system_.load(load);
    if (running == nullptr || running->ended()) return;
    journaled_.note("window", running->window(from), Durability::batched);
    tell_window(load, from + kWindow);
  });
}

void SimulatedRunner::answer_in(const Task& task, Duration takes, std::function<Done()> answer) {
  Working& working = working_[task.id];
  working.task = task;
  working.answer = std::move(answer);
  agenda_.add(now().boot + takes, [this, id = task.id] {
    const auto found = working_.find(id);
    if (found == working_.end() || found->second.cancelled || found->second.hangs) return;
    const Done done = found->second.answer();
    working_.erase(found);
    happen(done);
  });
}

void SimulatedRunner::cancel(TaskId id) {
  const auto found = working_.find(id);
  if (found == working_.end() || found->second.cancelled) return;
  Working& working = found->second;
  working.cancelled = true;
  if (working.hangs) {
    agenda_.add(now().boot + kReturnsWithin, [this] { unreturned_ = true; });
    return;
  }
  const Instant answers = now().boot + milliseconds(random_.below(150));
  // What was asked for may be on its way where no stop reaches it.
  const bool arrives = random_.chance(0.5);
  if (working.late && arrives) {
    *std::exchange(working.withdrawn, std::make_shared<bool>(false)) = true;
    arrive_after(working.task, answers);
  } else if (!arrives) {
    *working.withdrawn = true;
  }
  const Status stopped = fail(ErrorCode::stopped, "stopped");
  agenda_.add(answers, [this, id, stopped] {
    working_.erase(id);
    happen(Done{id, stopped, {}});
  });
}

}  // namespace gameday
