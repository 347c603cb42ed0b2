// How the clocks since boot are set in a time namespace: CLOCK_MONOTONIC and CLOCK_BOOTTIME alone,
// as the kernel keeps no other CLOCK_REALTIME for anybody.
#pragma once

#include <sys/types.h>

#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

// Added to the machine's own clocks.
struct TimeOffsets {
  Duration monotonic{};
  Duration boottime{};
  bool operator==(const TimeOffsets&) const = default;
};

// unsupported: this kernel has no time namespaces; not_found: no such process.
[[nodiscard]] Result<TimeOffsets> time_offsets_of(pid_t pid);

// As the kernel takes them.
[[nodiscard]] std::string text_of(const TimeOffsets& offsets);

}  // namespace gameday
