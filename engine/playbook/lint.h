// What is unwise in a playbook although it can run. Only warnings.
#pragma once

#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"

namespace gameday {

void lint_playbook(const Playbook& playbook, Problems& problems);

}  // namespace gameday
