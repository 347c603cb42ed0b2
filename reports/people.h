// What people said in a drill, for the reports that tell it.
#pragma once

#include <string>
#include <vector>

#include "reports/story.h"

namespace gameday {

struct Said {
  Moment at;
  std::string who;   // "mara (uid 1000)"
  std::string what;  // plain text
};
// Notes, stops asked by a person, and answers that do not count, with the reason why.
[[nodiscard]] std::vector<Said> said_by_people(const Story& story);

}  // namespace gameday
