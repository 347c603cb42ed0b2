// The rubric that a command is given, or the built-in one.
#pragma once

#include <optional>

#include "cli/command.h"
#include "reports/rubric.h"

namespace gameday {

inline constexpr Option kRubricOption{
    "rubric", OptionKind::text, "FILE",
    "What the score goes by; default the built-in rubric, which every bundle shows."};

// What is wrong with it is printed on standard error. Nothing: exit with 2.
[[nodiscard]] std::optional<Rubric> chosen_rubric(const Arguments& arguments);

// As the journal keeps it, so that the score can be made again anywhere.
[[nodiscard]] Json to_json(const Rubric& rubric);

}  // namespace gameday
