// The drill as OpenMetrics text, for a textfile collector: base units, no timestamps, everything a
// gauge, so that readers of the older Prometheus format understand it too. Pure.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

[[nodiscard]] std::string openmetrics_report(const Story& story, const Json& result);

}  // namespace gameday
