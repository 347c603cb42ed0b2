// The result document of a story that is already told; for reports that need both.
#pragma once

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

[[nodiscard]] Json document_of(const Story& story);

}  // namespace gameday
