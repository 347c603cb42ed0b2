// Whether a kind of restore can go where a step wants it, and to the step's point in time.
#pragma once

#include <string>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// What is wrong, of a target that is `called` so; empty: nothing.
[[nodiscard]] std::vector<std::string> wrong_with_restore(const Step& step, const RestoreRow& row,
                                                          const std::string& called);

}  // namespace gameday
