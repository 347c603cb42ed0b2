// What a deed that takes a data directory away leaves behind, and how it comes back.
#pragma once

#include "drills/systems/data_directory.h"

namespace gameday {

// Puts back what was moved aside, unless somebody has put something else in its place, and starts
// the server if one ran. Idempotent.
[[nodiscard]] Status put_data_back(const DataDirectory& data, const DeedContext& context);
// Whether it is all there again, and answers if it did.
[[nodiscard]] Result<Proof> data_is_back(const DataDirectory& data, const DeedContext& context);
// Erases what was moved aside, unless it is to be kept. A container whose data was restored
// meanwhile gets the restart policy back that it had.
[[nodiscard]] Status forget_data(const DataDirectory& data, bool keep, const DeedContext& context);

}  // namespace gameday
