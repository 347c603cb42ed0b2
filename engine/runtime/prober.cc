#include "engine/runtime/prober.h"

#include <poll.h>

#include <exception>

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr Duration kOverdue = milliseconds(500);  // beyond its deadline: it hangs
constexpr Duration kReturnsWithin = milliseconds(500);
constexpr Duration kTellsEvery = milliseconds(100);  // at most, that it hangs still

}  // namespace

// On a thread of its own, which nobody waits for: what it asks may never return.
struct Prober::Attempt {
  const ProbeRow& row;
  ProbeSpec probe;
  DeedContext context;
  std::shared_ptr<const void> kept;
  Sampled sample{};  // whole once it has returned
  StopSource returned{};

  void make() {
    try {
      auto answer = asked(row, probe.arguments, context);
      sample.ok = answer.ok;
      sample.text = std::move(answer.text);
    } catch (const std::exception& error) {
      sample.text = std::string("defect: ") + error.what();
    }
    sample.end = context.doors.clock.now().boot;
    returned.request();
  }
};

Prober::~Prober() {
  for (auto& [name, asking] : asking_) asking->stop.request();
}

void Prober::ask(const ProbeSpec& probe) {
  leave(probe.name);
  auto asking = std::make_unique<Asking>();
  asking->thread =
      std::jthread([this, probe, stop = asking->stop.stop()] { ask_for_ever(probe, stop); });
  asking_[probe.name] = std::move(asking);
}

void Prober::leave(const std::string& name) {
  const auto found = asking_.find(name);
  if (found == asking_.end()) return;
  found->second->stop.request();
  left_.push_back(std::move(found->second));
  asking_.erase(found);
}

std::shared_ptr<Prober::Attempt> Prober::begin(const ProbeSpec& probe, const Stop& stop) const {
  const Instant start = clock_.now().boot;
  auto attempt = std::make_shared<Attempt>(
      Attempt{*rows_.probe(probe.kind), probe,
              performer_.context("", {stop, start + probe.timeout}), kept_});
  attempt->sample.probe = probe.name;
  attempt->sample.start = start;
  std::thread([attempt] { attempt->make(); }).detach();
  return attempt;
}

// One that hangs has failed, and fails again at each interval for as long as it hangs.
void Prober::tell_end(const ProbeSpec& probe, const Attempt& attempt, const Stop& stop) {
  const Stop returned = attempt.returned.stop();
  // The flag is looked at too: it is what orders the attempt's writing before our reading.
  const auto returns = [&](const Until& until) {
    return wait_for(returned.descriptor(), POLLIN, clock_, until).has_value() &&
           returned.requested();
  };
  Instant from = attempt.sample.start;
  Instant overdue = from + probe.timeout + kOverdue;
  bool told = false;
  while (true) {
    const bool done = returns({stop, overdue});
    if (stop.requested()) {
      (void)returns({Stop(), clock_.in(kReturnsWithin)});
      return;
    }
    if (done) break;
    const Instant now = clock_.now().boot;
    each_({probe.name, from, now, false, "no answer: the attempt does not return"});
    told = true;
    from = now;
    overdue = now + std::max(probe.every, kTellsEvery);
  }
  if (!told) each_(attempt.sample);
}

void Prober::ask_for_ever(const ProbeSpec& probe, const Stop& stop) {
  Instant due = clock_.now().boot;
  while (!stop.requested()) {
    tell_end(probe, *begin(probe, stop), stop);
    if (stop.requested()) return;
    due += probe.every;
    // An attempt that outlasted its interval delays the next one; attempts never pile up.
    due = std::max(due, clock_.now().boot);
    if (!clock_.sleep({stop, due})) return;
  }
}

}  // namespace gameday
