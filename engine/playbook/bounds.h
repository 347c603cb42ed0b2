// What a field accepts, in words: for messages, the schema's descriptions and `gameday explain`.
#pragma once

#include <string>

#include "engine/base/time.h"
#include "engine/playbook/field.h"

namespace gameday {

// "a duration", "one of GET, PUT", "true or false".
[[nodiscard]] std::string type_in_words(const Field& field);

// "10ms to 1h", "1/s or more", in the field's own unit; empty without bounds.
[[nodiscard]] std::string bounds_in_words(const Field& field);

// As a playbook would write it, in the largest unit that gives a whole number: "90s", "2m".
[[nodiscard]] std::string in_words(Duration duration);

[[nodiscard]] bool within_bounds(const Field& field, double value);

}  // namespace gameday
