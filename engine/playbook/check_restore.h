// Whether a kind of restore can go where a step wants it, and to the step's point in time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// Of a point `before STEP`: that step; empty: the point is another one.
[[nodiscard]] std::string step_before(std::string_view point);

// Whether a restore may go to a point before its backup, from an older one; else it begins with its
// backup's own data.
[[nodiscard]] bool may_go_back(const Step& restore);

// What is wrong with such a step of a restore's; empty: nothing.
[[nodiscard]] std::string wrong_with_point(const Step& restore, const std::vector<Step>& timeline);

// What is wrong with it, of that target; empty: nothing.
[[nodiscard]] std::vector<std::string> wrong_with_restore(const Step& step, const RestoreRow& row,
                                                          const Target& target);

}  // namespace gameday
