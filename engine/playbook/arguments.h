// Reading decoded arguments, which keep the text that the playbook wrote ("15s"). Never a Defect:
// what is absent or of another type is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/base/units.h"

namespace gameday {

[[nodiscard]] std::optional<Duration> duration_in(const Json& arguments, std::string_view name);
[[nodiscard]] std::optional<DurationRange> durations_in(const Json& arguments,
                                                        std::string_view name);
[[nodiscard]] std::optional<double> rate_in(const Json& arguments, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> size_in(const Json& arguments, std::string_view name);
[[nodiscard]] std::optional<double> percent_in(const Json& arguments, std::string_view name);

// The texts of a list, empty where there is none; what is no text is left out.
[[nodiscard]] std::vector<std::string> texts_in(const Json& arguments, std::string_view name);

}  // namespace gameday
