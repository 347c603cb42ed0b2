// Waiting for what a deed has set going: a signal is acted on, and a program is up, a moment later.
#pragma once

#include <functional>

#include "engine/rows.h"

namespace gameday {

// Looks again and again until `shows`; that it never does is no error here, as the proof says so.
[[nodiscard]] Status wait_until_it(const std::function<bool()>& shows, const DeedContext& context,
                                   Duration at_most = std::chrono::seconds(3));

}  // namespace gameday
