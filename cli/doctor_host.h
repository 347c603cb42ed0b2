// What `gameday doctor` looks at in the machine itself: kernel, control groups, limits, clock,
// libraries. Each is tried where trying leaves nothing behind.
#pragma once

#include <vector>

#include "cli/doctor_looks.h"

namespace gameday {

// To be called before anything starts a thread: a child of a threaded program may only exec.
[[nodiscard]] std::vector<Look> look_at_host();

// "version 1", by the filesystems that are mounted there.
[[nodiscard]] std::string cgroup_version(const std::string& root = "/sys/fs/cgroup");

// What a child of ours ended with: 0, or the errno of what it tried. The child runs no more than
// system calls.
[[nodiscard]] int tried_in_child(int (*attempt)());
[[nodiscard]] std::string reason(int number);

}  // namespace gameday
