// Waiting for what a deed has set going: a signal is acted on, and a program is up, a moment later.
#pragma once

#include <functional>

#include "engine/rows.h"

namespace gameday {

// Looks again and again until `shows`, or an error; that it never does is no error here, as the
// proof says so.
[[nodiscard]] Status wait_until_it(const std::function<Result<bool>()>& shows,
                                   const DeedContext& context,
                                   Duration at_most = std::chrono::seconds(3));

// The field of deeds that empty something, and what it is without one.
inline constexpr Duration kWithinToEmpty = std::chrono::seconds(5);
inline constexpr Field kToEmptyField = {
    .name = "within",
    .type = FieldType::duration,
    .help =
        "How long it waits for a message to take out: a queue that is drained as fast as it "
        "is filled is mostly empty, and emptying that would be no test.",
    .otherwise = "5s",
    .required = false,
    .least = 0.001,
    .most = 10};

}  // namespace gameday
