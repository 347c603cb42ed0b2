// Whether a restore into place would bring back what a fault of the same drill did: from a backup
// that is taken while the fault holds that place's data.
#pragma once

#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"
#include "engine/rows.h"

namespace gameday {

void check_backups(const Playbook& playbook, const Rows& rows, Problems& problems);

}  // namespace gameday
