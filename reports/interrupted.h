// The measured part of the result of a drill that gave no verdict itself: it was not started, or
// its runner died and somebody else put things back. Says only what the events say.
#pragma once

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

// In the members of a verdict event, from "verdict" to "humans".
[[nodiscard]] Json interrupted_verdict(const Story& story);

}  // namespace gameday
