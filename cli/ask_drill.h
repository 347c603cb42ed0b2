// What the commands share that speak to a running drill through its door.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "engine/base/json.h"

namespace gameday {

// One request to the drill whose id begins so (empty: the only one that runs), and its answer.
[[nodiscard]] Result<Json> ask_drill(const std::string& drill, const Json& request);

// Of the words "[DRILL] [STEP]": one alone is a drill where one that runs begins so, else a step.
struct DrillAndStep {
  std::string drill, step;
};
[[nodiscard]] DrillAndStep drill_and_step(const std::vector<std::string>& words);

// Says what went wrong; 2 where it was asked wrongly, else 1.
[[nodiscard]] int say_refused(const Error& error);

}  // namespace gameday
