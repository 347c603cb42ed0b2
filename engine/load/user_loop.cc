#include "engine/load/user_loop.h"

#include <algorithm>
#include <chrono>

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::seconds(1);
constexpr Duration kRetry = std::chrono::milliseconds(1);  // where a connection is lacking

}  // namespace

UserLoop::UserLoop(Users users, Duration timeout, const RequestPattern& pattern,
                   Transport& transport, Recorder& recorder, const Clock& clock,
                   Duration clock_apart)
    : users_(std::move(users)),
      timeout_(timeout),
      pattern_(pattern),
      transport_(transport),
      recorder_(recorder),
      clock_(clock),
      jumps_(clock, clock_apart) {}

void UserLoop::run() {
  const std::function<void(const TransportAnswer&)> each = [this](const TransportAnswer& answer) {
    answered(answer);
  };
  while (true) {
    ask_for_all_who_are_due();
    const Instant now = clock_.now().boot;
    // Who waits asks again after what he waits for, whose window is not complete before.
    recorder_.settle(std::min(users_.next_due().value_or(now), now));
    if (transport_.in_flight() == 0 && !due_by(Instant::max())) break;
    transport_.work(next_look(now), each);
    jumps_.look();
  }
  recorder_.settle_all();
}

void UserLoop::end() {
  Duration::rep known = last_due_.load();
  const Duration::rep now = clock_.now().boot.time_since_epoch().count();
  while (now < known && !last_due_.compare_exchange_weak(known, now)) {
  }
  transport_.wake();
}

std::string UserLoop::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Instant UserLoop::until() const {
  return std::min(Instant(Duration(last_due_.load())), stopped_.value_or(Instant::max()));
}

bool UserLoop::due_by(Instant now) const {
  const auto due = users_.next_due();
  return due && !stopped_ && *due <= std::min(now, until());
}

void UserLoop::ask_for_all_who_are_due() {
  for (Instant now = clock_.now().boot; due_by(now); now = clock_.now().boot) {
    const Instant due = *users_.next_due();
    if (due + timeout_ <= now) {
      give_up(due, now);
    } else if (!transport_.full()) {
      ask(due, now);
    } else {
      return;
    }
  }
}

void UserLoop::ask(Instant due, Instant now) {
  const std::size_t ticket = on_their_way_.next_ticket();
  const auto sent = transport_.send({ticket, next_, &pattern_, due + timeout_});
  if (!sent) return stop_because(sent.error().text);
  on_their_way_.left({next_++, due, now});
  if (askers_.size() <= ticket) askers_.resize(ticket + 1);
  askers_[ticket] = users_.take();
  recorder_.due(due);
}

// We were too late to ask for him: no connection was free, or we did not run.
void UserLoop::give_up(Instant due, Instant now) {
  Sample sample;
  sample.seq = next_++;
  sample.due = due;
  sample.sent = now;
  sample.end = now;
  recorder_.due(due);
  record(sample);
  users_.answered(users_.take(), now);
}

void UserLoop::answered(const TransportAnswer& answer) {
  const std::size_t user = askers_[answer.ticket];
  const Sample sample = on_their_way_.ended(answer);
  record(sample);
  // Never before he asked, whatever two clocks say.
  users_.answered(user, std::max(sample.sent, sample.end));
}

void UserLoop::record(const Sample& sample) {
  if (auto written = recorder_.ended(sample); !written) stop_because(written.error().text);
}

Instant UserLoop::next_look(Instant now) const {
  if (due_by(now)) return now + kRetry;
  const auto due = users_.next_due();
  // All who are due have asked: only an answer, the next who is due or `end` matter.
  if (!due || *due <= now) return now + kLook;
  return std::min(*due, now + kLook);
}

void UserLoop::stop_because(const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    if (problem_.empty()) problem_ = problem;
  }
  if (!stopped_) stopped_ = clock_.now().boot;
}

}  // namespace gameday
