#include "cli/doctor_host.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/text.h"
#include "engine/sys/files.h"
#include "engine/sys/versions.h"

namespace gameday {
namespace {

constexpr std::uint64_t kDescriptors = 1024;

std::uint64_t kind_of(const std::string& folder) {
  struct statfs found{};
  return statfs(folder.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.f_type) : 0;
}

// The folder of our own group in the hierarchy of that controller; empty: there is none.
std::string own_group(std::string_view controller) {
  const auto text = Files().read("/proc/self/cgroup");
  if (!text) return "";
  for (const auto& line : split(*text, '\n')) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto path = line.substr(parts[0].size() + parts[1].size() + 2);
    const auto names = split(parts[1], ',');
    const bool second = parts[0] == "0" && parts[1].empty();
    const std::string root =
        second ? (kind_of("/sys/fs/cgroup") == CGROUP2_SUPER_MAGIC ? "/sys/fs/cgroup"
                                                                   : "/sys/fs/cgroup/unified")
               : "/sys/fs/cgroup/" + std::string(controller);
    if (!second && std::ranges::find(names, controller) == names.end()) continue;
    if (second) {
      const auto offered = Files().read(root + "/cgroup.controllers").value_or("");
      const bool has =
          (" " + std::string(trimmed(offered)) + " ").contains(" " + std::string(controller) + " ");
      // The freezer is no controller there: each group has it.
      if (!has && controller != "freezer") continue;
    }
    // Seen from inside a container, our own path may be one of the host's.
    return access((root + path).c_str(), F_OK) == 0 ? root + path : root;
  }
  return "";
}

// Makes a group there and takes it away.
Look look_at_groups(std::string name, std::string_view controller, std::vector<std::string> serves,
                    std::string advice) {
  Look look{std::move(name), Needed::at_times, false, "", std::move(advice), std::move(serves)};
  const std::string own = own_group(controller);
  if (own.empty()) {
    look.found = "no hierarchy has the " + std::string(controller) + " controller";
    return look;
  }
  const std::string made = own + "/gameday-doctor-" + std::to_string(getpid());
  const int number = mkdir(made.c_str(), 0755) == 0 ? 0 : errno;
  look.ok = number == 0 &&
            (controller != "freezer" || access((made + "/freezer.state").c_str(), W_OK) == 0 ||
             access((made + "/cgroup.freeze").c_str(), W_OK) == 0);
  if (number == 0) rmdir(made.c_str());
  look.found = look.ok       ? "groups can be made in " + own
               : number == 0 ? own + " freezes no groups"
                             : own + ": " + reason(number);
  return look;
}

Look look_at_kernel() {
  struct utsname found{};
  uname(&found);
  return {"kernel", Needed::at_times, true,
          std::string(found.sysname) + " " + found.release + ", " + found.machine, ""};
}

Look look_at_libraries() {
  return {"libraries", Needed::at_times, true, http_versions() + ", SQLite/" + sqlite_version(),
          ""};
}

Look look_at_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const bool enough = limit.rlim_cur >= kDescriptors;
  return {"descriptors", Needed::at_times, enough,
          std::to_string(limit.rlim_cur) + " may be open at once",
          "a load of a thousand requests at once wants more: ulimit -n " +
              std::to_string(kDescriptors)};
}

Look look_at_clock() {
  struct timex state{};
  const int told = adjtimex(&state);
  const bool synchronised = told >= 0 && told != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  return {"clock", Needed::at_times, synchronised,
          told < 0       ? "cannot be asked: " + reason(errno)
          : synchronised ? "synchronised"
                         : "not synchronised with any other",
          "durations are right all the same; times of day of several machines may not agree: run "
          "an NTP client"};
}

int mount_a_tmpfs() {
  if (unshare(CLONE_NEWNS) != 0) return errno;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  return mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m") == 0 ? 0 : errno;
}

Look look_at_mounts() {
  const int number = tried_in_child(mount_a_tmpfs);
  return {"mount namespaces", Needed::at_times, number == 0,
          number == 0 ? "can be made, and filesystems mounted inside" : reason(number),
          "needs root; gameday's own tests want it"};
}

Look look_at_fuse() {
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  const int number = device >= 0 ? 0 : errno;
  if (device >= 0) close(device);
  return {"fuse", Needed::at_times, number == 0,
          number == 0 ? "/dev/fuse can be opened" : "/dev/fuse: " + reason(number),
          "disks cannot be made to fail by a filesystem of ours; no fault of this version does"};
}

}  // namespace

int tried_in_child(int (*attempt)()) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) _exit(attempt());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

std::string reason(int number) { return std::strerror(number); }

std::string cgroup_version(const std::string& root) {
  if (kind_of(root) == CGROUP2_SUPER_MAGIC) return "version 2";
  const bool beside = kind_of(root + "/unified") == CGROUP2_SUPER_MAGIC;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(root, none)) {
    if (kind_of(entry.path().string()) != CGROUP_SUPER_MAGIC) continue;
    return beside ? "version 1, with 2 beside it" : "version 1";
  }
  return beside ? "version 2, beside a version 1 without controllers" : "none is mounted";
}

std::vector<Look> look_at_host() {
  return {look_at_kernel(),
          look_at_libraries(),
          look_at_groups("freezer", "freezer", {"pause"},
                         "processes are stopped one by one, by SIGSTOP, instead of all at once"),
          look_at_groups("cgroup memory", "memory", {"exhaust"},
                         "memory is held under limits of the process instead of a group's"),
          look_at_groups("cgroup cpu", "cpu", {"exhaust"},
                         "processors are kept busy without the limits of a group"),
          look_at_descriptors(),
          look_at_clock(),
          look_at_mounts(),
          look_at_fuse()};
}

}  // namespace gameday
