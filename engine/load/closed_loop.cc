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
    const auto sent =
        transport_.send({on_their_way_.next_ticket(), next_, &pattern_, now + timeout_});
    if (!sent) {
      problem_ = sent.error().text;
      ending_ = true;
      return;
    }
    on_their_way_.left({next_, now, now});
    recorder_.due(now);
    ++next_;
  }
  recorder_.settle(now);
}

void ClosedLoop::answered(const TransportAnswer& answer) {
  if (const auto kept = recorder_.ended(on_their_way_.ended(answer)); !kept) {
    problem_ = kept.error().text;
    ending_ = true;
  }
}

}  // namespace gameday
