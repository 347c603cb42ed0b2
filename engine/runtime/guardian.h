// The guardian: waits for the runner to die, hang or overstay, then ends it and undoes what it
// left.
#pragma once

#include <string>

#include "engine/rows.h"

namespace gameday {

struct GuardianTerms {
  std::string store;
  std::string drill;
  pid_t runner = 0;
  int socket = 0;  // to the runner
};

// Returns the process's exit code: 0 after a bye, or after everything was undone; 5 with residue.
[[nodiscard]] int run_guardian(const GuardianTerms& terms, const Rows& rows);

}  // namespace gameday
