// What a drill in the environment `production` asks for beyond what others do, before it starts:
// that its name is typed, that the plan is the one that was read, a window, and an approval by
// somebody else before the first fault.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/playbook.h"

namespace gameday {

// What whoever starts the drill gave.
struct Consent {
  std::string confirm;      // the playbook's name, as typed
  std::string plan_sha256;  // of the plan that was read; empty: none was named
  Utc now{};
};

// What is lacking, a sentence each; none: it may start. `plan_sha256`: of the plan as it is now. A
// plan that was named has to be that one in every environment.
[[nodiscard]] std::vector<std::string> lacking(const Playbook& playbook, const Consent& consent,
                                               std::string_view plan_sha256);

// What the playbook itself lacks for production.
[[nodiscard]] std::vector<std::string> lacking_for_production(const Playbook& playbook);

}  // namespace gameday
