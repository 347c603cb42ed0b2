// What a drill has seen of its invariants, for the score and for people: the readings in the result
// document's `invariants`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

// "100000", "NULL", or "not read: " and why.
[[nodiscard]] std::string value_read(const Json& reading);
// "when the drill began", "what step back restored", "step verify-7", "at the drill's end".
[[nodiscard]] std::string moment_read(const Json& reading);

struct InvariantsRead {
  std::int64_t held = 0;       // readings after the drill's beginning that hold
  std::string broken, unread;  // in words, of all that do not hold, and that gave no value
};
[[nodiscard]] InvariantsRead invariants_read(const Json& result);
// The numbers of the events that tell them.
[[nodiscard]] std::vector<std::uint64_t> invariant_events(const Story& story);

// The readings of a journal that has no verdict; empty: there are none.
[[nodiscard]] Json readings_of(const Story& story);

}  // namespace gameday
