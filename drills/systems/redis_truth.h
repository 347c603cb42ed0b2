// What the endings of redis-check-rdb ("rdb"), redis-check-aof ("aof") and of a redis-server that
// could not load its data ("load") mean, by their version.
#pragma once

#include "drills/systems/truth.h"

namespace gameday {

extern const TruthTable redis_7_0;

// Oldest first.
inline constexpr const TruthTable* kRedisTables[] = {&redis_7_0};

}  // namespace gameday
