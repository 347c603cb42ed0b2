// Whether a probe is asked when somebody needs its answer.
#pragma once

#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"

namespace gameday {

void check_probes(const Playbook& playbook, Problems& problems);

}  // namespace gameday
