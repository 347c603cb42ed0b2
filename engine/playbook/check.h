// Whether a decoded playbook can work as a drill: errors for what cannot, warnings for what is
// unwise. Pure; looks at the playbook and the rows alone, never at the system.
#pragma once

#include "engine/playbook/load_playbook.h"
#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"
#include "engine/rows.h"

namespace gameday {

[[nodiscard]] Problems check_playbook(const Playbook& playbook, const Rows& rows);

// Reads and checks: the playbook is there only where there is no error of either kind.
[[nodiscard]] LoadedPlaybook load_checked(const std::string& path, const Vars& vars,
                                          const Rows& rows);

// The least time a step adds to the timeline: what is held or waited for; deeds and proofs come on
// top. Of a parallel, what its longest step takes; of a step inside of one, nothing.
[[nodiscard]] Duration least_duration(const std::vector<Step>& timeline, std::size_t index);

}  // namespace gameday
