// The JSON Schema of a playbook (draft 2020-12), written from the same rows that decode it, so that
// editors complete and refuse what `gameday check` does. Names and their references it cannot
// check.
#pragma once

#include <string>

#include "engine/rows.h"

namespace gameday {

[[nodiscard]] std::string playbook_schema(const Rows& rows);

}  // namespace gameday
