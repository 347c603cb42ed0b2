// The drill as JUnit XML, for CI: what failed is a failure, what could not be judged an error, what
// was not assessed skipped. XML 1.0 whatever the texts hold. Pure.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

[[nodiscard]] std::string junit_report(const Story& story, const Json& result);

}  // namespace gameday
