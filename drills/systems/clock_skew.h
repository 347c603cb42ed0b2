// A process that lives with other clocks than we do: started again in a time namespace (its clocks
// since boot), or under libfaketime (its time of day, which the kernel keeps once for everybody).
#pragma once

#include <string>
#include <vector>

#include "drills/systems/process.h"

namespace gameday {

struct ClockSkew {
  LostProcess lost;
  Duration ahead{};     // negative: behind
  std::string library;  // libfaketime's, for the time of day; empty: the clocks since boot
  std::string url;      // whose Date header shows the time of day
};
[[nodiscard]] Json to_json(const ClockSkew& skew);
[[nodiscard]] Result<ClockSkew> clock_skew_from(const Json& value);

// Where libfaketime is on this machine. not_found, with the package's name.
[[nodiscard]] Result<std::string> faketime_library();

// Ends the process and starts it again with its clocks set otherwise.
[[nodiscard]] Status start_skewed(const ClockSkew& skew, const DeedContext& context);
// Those that this deed has started so; what has the deed's own mark was put back by it.
[[nodiscard]] std::vector<ProcessFacts> skewed_by(const ClockSkew& skew, const Doors& doors);
// Ends them, and starts the process as it was unless it is back.
[[nodiscard]] Status end_skew(const ClockSkew& skew, const DeedContext& context);

// By how much the clocks since boot of that process are ahead of ours.
[[nodiscard]] Result<Duration> clocks_ahead(pid_t pid);
// By how much the time in the Date header of `url` is ahead of ours, to a second.
[[nodiscard]] Result<Duration> date_ahead(const std::string& url, const DeedContext& context);

}  // namespace gameday
