// What `gameday doctor` looks at in Docker: whether an engine answers us, in which version, and
// which compose there is.
#pragma once

#include <vector>

#include "cli/doctor_looks.h"
#include "engine/sys/processes.h"

namespace gameday {

[[nodiscard]] std::vector<Look> look_at_docker(Processes& processes, const Rows& rows);

}  // namespace gameday
