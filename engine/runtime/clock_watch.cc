#include "engine/runtime/clock_watch.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gameday {

std::optional<Duration> ClockWatch::look() {
  const Duration ahead = utc_ahead();
  const Duration set_by = ahead - std::exchange(ahead_, ahead);
  if (std::chrono::abs(set_by) <= tolerated_) return std::nullopt;
  return set_by;
}

// The middle one of three: between the two halves of a reading we may have had to wait.
Duration ClockWatch::utc_ahead() const {
  std::array<Duration, 3> readings;
  for (Duration& reading : readings) {
    const Now now = clock_.now();
    reading = now.utc.time_since_epoch() - now.boot.time_since_epoch();
  }
  std::ranges::sort(readings);
  return readings[1];
}

}  // namespace gameday
