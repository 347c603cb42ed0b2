// The recovery point of a ledger: how far back in time what was acknowledged is gone. Pure.
#pragma once

#include <optional>
#include <vector>

#include "engine/load/summary.h"

namespace gameday {

struct Completion {
  Instant end;
  bool gone = false;  // lost or stale
};
struct RecoveryPoint {
  double rpo_s = 0;
  double hole_s = 0;
};
// Of acknowledged writes, in any order.
[[nodiscard]] RecoveryPoint recovery_point(std::vector<Completion> writes, Instant load_started,
                                           std::optional<Instant> disaster);

}  // namespace gameday
