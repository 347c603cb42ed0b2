// The drill as plain lines with times, for whoever watches or reads a CI log later.
#pragma once

#include "engine/conductor/drill.h"

namespace gameday {

// One line for an event that a person wants to see; empty for the others.
[[nodiscard]] std::string progress_line(const Drill& drill, std::string_view type,
                                        const Json& data);

}  // namespace gameday
