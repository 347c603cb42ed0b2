#include "engine/load/sender.h"

#include <algorithm>
#include <chrono>

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr Duration kLook = std::chrono::seconds(1);
// How soon to look again for a connection or a durable intent when one is lacking.
constexpr Duration kRetry = milliseconds(1);

// How long to wait for more that goes together. Above 10,000/s, waking for each request costs more
// than sending it: those of a quarter of a millisecond at most go together, five where the rate
// allows. Longer, and they would arrive in bunches; below, each has its own instant.
Duration tick_of(double rate) {
  constexpr double kExactUpTo = 10'000, kTogether = 5;
  constexpr Duration kLeast = std::chrono::microseconds(100);
  constexpr Duration kMost = std::chrono::microseconds(250);
  if (rate <= kExactUpTo) return {};
  return std::clamp(from_seconds(kTogether / rate), kLeast, kMost);
}

}  // namespace

Sender::Sender(const Schedule& schedule, Duration timeout, const RequestPattern& pattern,
               Transport& transport, Recorder& recorder, const Clock& clock, SendLimits limits)
    : timeout_(timeout),
      pattern_(pattern),
      transport_(transport),
      recorder_(recorder),
      clock_(clock),
      limits_(std::move(limits)),
      scheduler_(schedule),
      jumps_(clock, limits_.apart) {}

void Sender::run() {
  while (true) {
    send_what_is_due();
    const Instant now = clock_.now().boot;
    const Instant last_due{Duration(last_due_.load())};
    recorder_.settle(std::min(scheduler_.due(), now));
    if (scheduler_.due() > last_due && transport_.in_flight() == 0) break;
    if (limits_.problem) stop_because(limits_.problem());
    transport_.work(next_look(now), [this](const TransportAnswer& a) { answered(a); });
    jumps_.look();
  }
  recorder_.settle_all();
}

void Sender::end() {
  Duration::rep known = last_due_.load();
  const Duration::rep now = clock_.now().boot.time_since_epoch().count();
  while (now < known && !last_due_.compare_exchange_weak(known, now)) {
  }
  transport_.wake();
}

std::string Sender::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

bool Sender::due_by(Instant now) const {
  return scheduler_.due() <= now && scheduler_.due() <= Instant(Duration(last_due_.load()));
}

void Sender::send_what_is_due() {
  for (Instant now = clock_.now().boot; due_by(now); now = clock_.now().boot) {
    if (limits_.most > 0 && scheduler_.index() >= limits_.most) {
      stop_because("limits.writes reached: " + std::to_string(limits_.most));
      return;
    }
    if (scheduler_.due() + timeout_ <= now) {
      give_up_one(now);
    } else if (may_send()) {
      send_one(now);
    } else {
      return;
    }
  }
}

bool Sender::may_send() const {
  return !transport_.full() && (!limits_.durable || scheduler_.index() < limits_.durable());
}

void Sender::send_one(Instant now) {
  const auto sent = transport_.send(
      {on_their_way_.next_ticket(), scheduler_.index(), &pattern_, scheduler_.due() + timeout_});
  if (!sent) return stop_because(sent.error().text);
  on_their_way_.left({scheduler_.index(), scheduler_.due(), now});
  recorder_.due(scheduler_.due());
  step_on();
}

// We were too late to ask: no connection was free, the disk was slow, or we did not run.
void Sender::give_up_one(Instant now) {
  Sample sample;
  sample.seq = scheduler_.index();
  sample.due = scheduler_.due();
  sample.sent = now;
  sample.end = now;
  recorder_.due(sample.due);
  record(sample);
  step_on();
}

void Sender::step_on() {
  scheduler_.advance();
  if (limits_.next) limits_.next(scheduler_.index());
}

void Sender::answered(const TransportAnswer& answer) { record(on_their_way_.ended(answer)); }

void Sender::record(const Sample& sample) {
  if (auto written = recorder_.ended(sample); !written) stop_because(written.error().text);
}

Instant Sender::next_look(Instant now) const {
  if (due_by(now)) return now + kRetry;
  // All that is due has been sent: only an answer, the next due time or `end` matter.
  if (scheduler_.due() <= now) return now + kLook;
  return std::clamp(scheduler_.due(), now + tick_of(scheduler_.rate(now)), now + kLook);
}

void Sender::stop_because(const std::string& problem) {
  if (problem.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (problem_.empty()) problem_ = problem;
  }
  // What is due by now and was not sent stays unsent: there is nothing to record it with.
  last_due_ =
      std::min(last_due_.load(), (scheduler_.due() - Duration(1)).time_since_epoch().count());
}

}  // namespace gameday
