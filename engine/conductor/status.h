// What a drill is doing right now, for whoever asks from another terminal. Pure.
#pragma once

#include "engine/conductor/drill.h"

namespace gameday {

[[nodiscard]] Json status_json(const Drill& drill, Now now);

}  // namespace gameday
