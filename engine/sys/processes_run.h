// Waiting for a child of ours, and ending it with its whole process group when time is up.
#pragma once

#include <sys/types.h>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/processes.h"

namespace gameday {

// Reads `output`, of which the first `most` bytes are kept, and reaps `child`, which leads its own
// group. An Error (stopped, timed_out) means that no process of its group is left.
[[nodiscard]] Result<Ended> wait_for_child(pid_t child, const Descriptor& output, std::size_t most,
                                           const Clock& clock, const Until& until);

// Ends `child` and its group, and reaps it.
void end_group(pid_t child, const Clock& clock);

// The program that `command` means, as an absolute path.
[[nodiscard]] Result<std::string> program_of(const Command& command);
// Our environment with that of `command` on top.
[[nodiscard]] std::vector<std::string> environment_of(const Command& command);

}  // namespace gameday
