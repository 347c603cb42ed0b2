#include "engine/load/closed_loop.h"

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);  // at the windows that are complete

}  // namespace

ClosedLoop::ClosedLoop(Duration timeout, const RequestPattern& pattern, Transport& transport,
                       Recorder& recorder, const Clock& clock)
    : timeout_(timeout),
      pattern_(pattern),
      transport_(transport),
      recorder_(recorder),
      clock_(clock) {}

void ClosedLoop::run() {
  const std::function<void(const TransportAnswer&)> each = [this](const TransportAnswer& answer) {
    answered(answer);
  };
  while (true) {
    send_as_many_as_go();
    if (ending_ && transport_.in_flight() == 0) break;
    transport_.work(clock_.in(kLook), each);
  }
  recorder_.settle_all();
}

void ClosedLoop::end() {
  ending_ = true;
  transport_.wake();
}

// With one reading of the clock for all of them, which leave together.
void ClosedLoop::send_as_many_as_go() {
  const Instant now = clock_.now().boot;
  while (!ending_ && !transport_.full()) {
    if (free_tickets_.empty()) {
      free_tickets_.push_back(on_their_way_.size());
      on_their_way_.emplace_back();
    }
    const std::size_t ticket = free_tickets_.back();
    on_their_way_[ticket] = {next_, now};
    const auto sent = transport_.send({ticket, next_, &pattern_, now + timeout_});
    if (!sent) {
      problem_ = sent.error().text;
      ending_ = true;
      return;
    }
    free_tickets_.pop_back();
    recorder_.due(now);
    ++next_;
  }
  recorder_.settle(now);
}

void ClosedLoop::answered(const TransportAnswer& answer) {
  const OnItsWay& request = on_their_way_[answer.ticket];
  Sample sample;
  sample.seq = request.seq;
  sample.due = request.sent;
  sample.sent = answer.sent.value_or(request.sent);
  sample.end = answer.end;
  sample.outcome = answer.outcome;
  sample.status = answer.status;
  free_tickets_.push_back(answer.ticket);
  if (const auto kept = recorder_.ended(sample); !kept) {
    problem_ = kept.error().text;
    ending_ = true;
  }
}

}  // namespace gameday
