// A transport and a clock that are made up, so that whoever sends by them can be starved exactly.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "engine/load/transport.h"

namespace gameday {

class SetClock : public Clock {
 public:
  Now now() const override { return now_; }
  Status sleep(const Until&) const override { return {}; }
  Now now_{Instant(std::chrono::seconds(100)), Utc(std::chrono::seconds(1000))};
};

// Answers everything after a millisecond; `work` can oversleep.
class MadeTransport : public Transport {
 public:
  explicit MadeTransport(SetClock& clock) : clock_(clock) {}

  bool full() const override { return full_ || waiting_.size() >= most_; }
  std::size_t in_flight() const override { return waiting_.size(); }
  Status send(const TransportRequest& request) override {
    if (cannot_make_ == request.seq) return fail(ErrorCode::not_found, "no such secret");
    sent_.push_back(request.seq);
    waiting_.push_back({request.ticket, request.seq});
    return {};
  }
  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override {
    const Instant was = clock_.now_.boot;
    Instant now = std::max(until, was);
    if (!waiting_.empty() && !silent_) now = std::min(now, was + std::chrono::milliseconds(1));
    now += oversleep_(was);
    clock_.now_.utc += now - was;
    clock_.now_.boot = now;
    waiting_before_ = waiting_.size();
    if (backwards_) std::ranges::reverse(waiting_);
    for (const auto& [ticket, seq] : waiting_) {
      each({ticket, now, SampleOutcome::ok, 200 + static_cast<int>(seq % 7)});
    }
    waiting_.clear();
    if (on_work_) on_work_(now);
  }
  void wake() override {}

  SetClock& clock_;
  bool full_ = false;
  std::size_t most_ = ~std::size_t{0};
  std::optional<std::uint64_t> cannot_make_;
  std::vector<std::uint64_t> sent_;
  std::vector<std::pair<std::size_t, std::uint64_t>> waiting_;  // ticket, seq
  bool backwards_ = false;
  bool silent_ = false;             // answers end no wait
  std::size_t waiting_before_ = 0;  // it was asked to work
  std::function<Duration(Instant)> oversleep_ = [](Instant) { return Duration::zero(); };
  std::function<void(Instant)> on_work_;
};

}  // namespace gameday
