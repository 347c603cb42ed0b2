// Whether the loads were what the playbook asked for, for the verdict.
#pragma once

#include <vector>

#include "engine/conductor/drill.h"

namespace gameday {

void add_load_reasons(const Drill& drill, std::vector<Reason>& reasons);

}  // namespace gameday
