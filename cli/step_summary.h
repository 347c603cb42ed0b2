// The summary page of a CI run, where there is one.
#pragma once

#include "engine/base/json.h"

namespace gameday {

// Appends to the file that $GITHUB_STEP_SUMMARY names; a drill's outcome never depends on it.
void append_step_summary(const Json& result);

}  // namespace gameday
