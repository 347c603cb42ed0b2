// What is unwise in a playbook although it can run. Only warnings.
#pragma once

#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"
#include "engine/rows.h"

namespace gameday {

void lint_playbook(const Playbook& playbook, const Rows& rows, Problems& problems);

}  // namespace gameday
