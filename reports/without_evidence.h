// The result document of a drill whose bundle could not be written.
#pragma once

#include <string>

#include "engine/base/json.h"

namespace gameday {

// Evidence that is missing leaves nothing to be judged by: of a pass it makes `inconclusive`; what
// is worse stays. The reason is added in front.
[[nodiscard]] Json without_evidence(Json result, const std::string& drill, const std::string& why);

}  // namespace gameday
