// What `gameday doctor` looks at for PostgreSQL: the programs that dump, restore and recover.
#pragma once

#include <vector>

#include "cli/doctor_looks.h"
#include "engine/sys/processes.h"

namespace gameday {

[[nodiscard]] std::vector<Look> look_at_postgres(Processes& processes);

}  // namespace gameday
