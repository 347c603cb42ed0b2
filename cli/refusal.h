// A drill that came to no journal: its document, and the files that a CI reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/playbook/playbook.h"

namespace gameday {

inline constexpr std::uint64_t kUsualSeed = 1;

struct Refusal {
  int exit_code = 3;
  std::vector<std::string> reasons;
  const Playbook* playbook = nullptr;  // null: it could not be read
  std::uint64_t seed = kUsualSeed;
};
[[nodiscard]] Json refusal_document(const Refusal& refusal);

// result.json and junit.xml into `out` (empty: nowhere), which is made, and the summary page of a
// CI run. A sealed bundle that lies there stays. What could not be written is said, and changes
// nothing else.
void tell_ci(const Json& result, const std::string& out);

}  // namespace gameday
