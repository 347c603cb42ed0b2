// Values that carry their unit in a playbook: "15s", "200/s", "64MiB", "99.5%".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

// A whole or decimal number and one of ns, us, ms, s, m, h, d; no sign, no blank. At most 10 years.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
struct DurationRange {
  Duration least{}, most{};
};
// One duration, or two with two points between them, "5s..9s", of which the second is no shorter.
[[nodiscard]] Result<DurationRange> parse_durations(std::string_view text);
// A number and /s, /m or /h; the result is per second, over 0.
[[nodiscard]] Result<double> parse_rate(std::string_view text);
// A number and B, kB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024); in bytes.
[[nodiscard]] Result<std::int64_t> parse_size(std::string_view text);
// A number from 0 to 100 and %; the result is a ratio from 0 to 1.
[[nodiscard]] Result<double> parse_percent(std::string_view text);

// For people: "1.25s", "340ms", "2m30s".
[[nodiscard]] std::string shown(Duration d);

}  // namespace gameday
