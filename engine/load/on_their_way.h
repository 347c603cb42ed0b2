// The requests that a transport has, by their tickets: as many places as were on their way at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/load/sample.h"
#include "engine/load/transport.h"

namespace gameday {

class OnTheirWay {
 public:
  struct Request {
    std::uint64_t seq = 0;
    Instant due;
    Instant sent;
  };

  // The ticket of the one that `left` tells of next.
  [[nodiscard]] std::size_t next_ticket() {
    if (free_.empty()) {
      free_.push_back(all_.size());
      all_.emplace_back();
    }
    return free_.back();
  }
  void left(const Request& request) {
    all_[next_ticket()] = request;
    free_.pop_back();
  }
  // Its ticket may be another one's then.
  [[nodiscard]] Sample ended(const TransportAnswer& answer) {
    const Request& request = all_[answer.ticket];
    Sample sample;
    sample.seq = request.seq;
    sample.due = request.due;
    sample.sent = answer.sent.value_or(request.sent);
    sample.end = answer.end;
    sample.outcome = answer.outcome;
    sample.failed = answer.failed;
    sample.status = static_cast<std::int16_t>(answer.status);
    free_.push_back(answer.ticket);
    return sample;
  }

 private:
  std::vector<Request> all_;
  std::vector<std::size_t> free_;
};

}  // namespace gameday
