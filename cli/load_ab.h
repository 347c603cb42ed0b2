// A command line of ApacheBench as a load: what it asks of a server, asked by gameday.
#pragma once

#include <string>
#include <string_view>

#include "cli/load_order.h"

namespace gameday {

// `ab -n 1000 -c 10 http://server/`, with `ab` in front or without, quoted as a shell has it. An
// error names the flag that is not known. A body's file is read.
[[nodiscard]] Result<LoadOrder> order_of_ab(std::string_view line);

// As its -e and -g write them: the percentiles, and each request, the quickest first. What is not
// measured here (when the connection stood, when the first byte came) is NaN.
[[nodiscard]] std::string ab_percentages(const LoadRun& run);
[[nodiscard]] std::string ab_requests(const LoadRun& run);

}  // namespace gameday
