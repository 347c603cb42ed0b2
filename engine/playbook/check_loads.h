// Whether each load can be what the drill needs of it: cleaned up, within the limit of writes, and
// with all of its users there.
#pragma once

#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"

namespace gameday {

void check_loads(const Playbook& playbook, Problems& problems);

}  // namespace gameday
