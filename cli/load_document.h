// What `gameday load` makes of a load that ran: its verdict and its documents. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/load_order.h"

namespace gameday {

struct LoadVerdict {
  int exit_code = 0;
  std::string word;  // "measured", "failed", "stopped", "inconclusive"
  std::vector<std::string> reasons;
};
// A load that was stopped is that, whatever else; then one that got no answer as expected has
// failed, and one that missed its plan shows nothing.
[[nodiscard]] LoadVerdict verdict_of(const LoadOrder& order, const LoadRun& run);

// For programs (reports/load.schema.json).
[[nodiscard]] Json load_document(const LoadOrder& order, const LoadRun& run);
// For people, several lines.
[[nodiscard]] std::string load_text(const LoadOrder& order, const LoadRun& run);

// "open loop, 500/s for 10s"
[[nodiscard]] std::string plan_in_words(const BareTerms& terms);

}  // namespace gameday
