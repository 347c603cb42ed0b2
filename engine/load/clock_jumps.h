// Sees boot time and UTC go apart while a load is sent. Of one thread.
#pragma once

#include <chrono>
#include <vector>

#include "engine/sys/clock.h"

namespace gameday {

class ClockJumps {
 public:
  // Further apart than that within a second is a jump.
  ClockJumps(const Clock& clock, Duration apart) : clock_(clock), apart_(apart) {}

  // To be called at least once a second.
  void look() {
    const Now now = clock_.now();
    if (now.boot - last_.boot < std::chrono::seconds(1)) return;
    const Duration apart = (now.utc - last_.utc) - (now.boot - last_.boot);
    if (std::chrono::abs(apart) > apart_) seen_.push_back(now.boot);
    last_ = now;
  }
  // When each was seen, a second after it at most.
  [[nodiscard]] const std::vector<Instant>& seen() const { return seen_; }

 private:
  const Clock& clock_;
  const Duration apart_;
  Now last_ = clock_.now();
  std::vector<Instant> seen_;
};

}  // namespace gameday
