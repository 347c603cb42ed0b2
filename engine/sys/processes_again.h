// Starts a process that is nobody's child and outlives us: one that a drill puts back, or a proxy.
// It leads a session of its own.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/processes.h"

namespace gameday {

struct Rebirth {
  std::string exe;  // an absolute path
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string cwd;
  std::array<Descriptor, 3> streams;
  std::vector<ResourceLimit> limits;
  // Set only where they differ from ours, because setting takes rights that we may not have.
  bool set_groups = false;
  bool set_ids = false;
  std::vector<gid_t> groups;
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t ambient = 0;  // of ours, no others are handed on to it
  bool set_umask = false;
  unsigned umask = 0;
  std::string time_offsets;  // of a time namespace of its own; empty: it lives in ours
};

// What `facts` describe, with `mark` in its environment; streams that cannot be opened again are
// /dev/null. An error where it could not be the same process again.
[[nodiscard]] Result<Rebirth> rebirth_of(const ProcessFacts& facts, const std::string& mark);

// `before_it_runs` gets its pid while it waits, on this thread; an error there ends it. Returns
// once the program has been exec'ed.
[[nodiscard]] Result<ProcessId> give_birth(const Rebirth& rebirth,
                                           const std::function<Status(pid_t)>& before_it_runs);

// Writes `pid` for others to find: whole at every moment, with the owner and mode it had before.
[[nodiscard]] Status replace_pidfile(const std::string& path, pid_t pid, const Rebirth& rebirth);

// Puts `pid` back into the control groups of `cgroup` (/proc/PID/cgroup). Those that are gone, or
// that we may not write to, are left as they are.
void rejoin_cgroups(pid_t pid, const std::string& cgroup);

}  // namespace gameday
