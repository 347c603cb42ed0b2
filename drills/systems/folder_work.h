// Who works in a folder: a PostgreSQL server and its children stand in their data directory, and
// are known by that, whoever started them and whatever their pids are.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// Processes whose current folder is this one, or one in it. Those of another mount namespace tell
// of a folder of their own, and are not among them.
[[nodiscard]] std::vector<pid_t> at_work_in(const std::string& folder, const DeedContext& context);

// Tells them to end by that signal, over and over; after so many tries kills them. Returns when
// nobody is left.
struct Ending {
  int signal = 0;
  int tries = 10;  // of 20 ms each
};
[[nodiscard]] Status end_work_in(const std::string& folder, const Ending& how,
                                 const DeedContext& context);

}  // namespace gameday
