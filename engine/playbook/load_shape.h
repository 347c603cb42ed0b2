// The shape of a load: how many requests it asks for over time.
#pragma once

#include <string>

#include "engine/playbook/parts.h"

namespace gameday {

// Reads it from what was decoded of `node` into the load.
void read_shape(const Json& decoded, const Node& node, LoadSpec& load, const Reading& reading);

// For people: "50/s for 10s, to 200/s over 20s, then 200/s".
[[nodiscard]] std::string shape_in_words(const LoadSpec& load);

}  // namespace gameday
