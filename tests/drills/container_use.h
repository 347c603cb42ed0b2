// What a container may use, as the kernel has it, and containers that use much.
#pragma once

#include "tests/drills/docker_fixture.h"

namespace gameday {

// A file of its control group, as the kernel has it: what its engine says of a limit is not asked.
inline std::string group_file(const std::string& pid, const std::string& controller,
                              const std::string& file) {
  const std::string two =
      told("cat /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/" + pid + "/cgroup)/" + file, true);
  if (std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers")) return two;
  return told("cat /sys/fs/cgroup/" + controller + "$(sed -En 's/^[0-9]+:" + controller +
                  "://p' /proc/" + pid + "/cgroup)/" + file,
              true);
}
inline std::string group_file(const TestContainer& box, const std::string& controller,
                              const std::string& file) {
  return group_file(box.is("{{.State.Pid}}"), controller, file);
}
// Of version 1 and of version 2, whichever is there: its quota, and its limits of memory.
inline std::string quota_of(const std::string& pid) {
  const bool two = std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers");
  return two ? group_file(pid, "", "cpu.max")
             : group_file(pid, "cpu", "cpu.cfs_quota_us") + " " +
                   group_file(pid, "cpu", "cpu.cfs_period_us");
}
inline std::string quota_of(const TestContainer& box) { return quota_of(box.is("{{.State.Pid}}")); }
inline std::string memory_limits_of(const std::string& pid) {
  const bool two = std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers");
  return two ? group_file(pid, "", "memory.max")
             : group_file(pid, "memory", "memory.limit_in_bytes") + " " +
                   group_file(pid, "memory", "memory.memsw.limit_in_bytes");
}
inline std::string memory_limits_of(const TestContainer& box) {
  return memory_limits_of(box.is("{{.State.Pid}}"));
}

// Takes 20 MB now and then, and lets go of it: not in its first seconds.
inline const std::string kGrows =
    "busybox sh -c 'while :; do busybox sleep 3; a=$(busybox head -c 20000000 /dev/zero | "
    "busybox tr \\\\0 x); a=; done'";
// Sends more than 32 KiB a second to its gateway.
inline const std::string kTalks =
    "busybox sh -c 'to=$(busybox ip route | busybox awk \"/default/ { print \\$3 }\"); while :; do "
    "busybox ping -q -A -w 1 -s 1400 $to; done'";
inline const std::string kBusy = "busybox sh -c 'while :; do :; done'";

}  // namespace gameday
