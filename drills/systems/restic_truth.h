// What restic's endings mean, by its version.
#pragma once

#include "drills/systems/truth.h"

namespace gameday {

extern const TruthTable restic_0_14;  // every failure but one exits with 1
extern const TruthTable restic_0_17;  // the ones that scripts ask about have codes of their own

// Oldest first.
inline constexpr const TruthTable* kResticTables[] = {&restic_0_14, &restic_0_17};

}  // namespace gameday
