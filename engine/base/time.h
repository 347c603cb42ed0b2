// Two clocks, never mixed: Instant counts from boot and goes on in sleep (CLOCK_BOOTTIME), and all
// durations are taken from it; Utc is for people and for other machines' records.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

using Duration = std::chrono::nanoseconds;

struct BootTime {  // a clock's name only: reading it needs the Clock door
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootTime>;
  static constexpr bool is_steady = true;
};
using Instant = BootTime::time_point;
using Utc = std::chrono::sys_time<Duration>;

// One reading of both clocks.
struct Now {
  Instant boot;
  Utc utc;
  bool operator==(const Now&) const = default;
};

// RFC 3339 with microseconds and Z: "2026-11-22T19:04:10.000123Z".
[[nodiscard]] std::string rfc3339(Utc time);
[[nodiscard]] Result<Utc> parse_rfc3339(std::string_view text);

[[nodiscard]] constexpr double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}
// The nearest nanosecond, so that what `seconds` wrote reads back as it was.
[[nodiscard]] constexpr Duration from_seconds(double s) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(s));
}

}  // namespace gameday
