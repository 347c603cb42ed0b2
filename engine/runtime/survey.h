// Looks at a system without touching it: which instances are there now, and which deaths of ours a
// drill would survive on this machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/rows.h"

namespace gameday {

struct Survey {
  std::vector<Instance> found;
  std::vector<std::string> missing;                         // "west: run/west.pid: no such file"
  std::vector<std::pair<std::string, std::string>> deaths;  // death -> what undoes then
};
[[nodiscard]] Survey survey_system(const Playbook& playbook, const Rows& rows);
[[nodiscard]] Json to_json(const Survey& survey);

}  // namespace gameday
