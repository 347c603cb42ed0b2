#include "drills/systems/netns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "drills/systems/own_rights.h"

namespace gameday {
namespace {

constexpr const char* kOurs = "/proc/self/ns/net";
constexpr const char* kNamed = "/run/netns/";

// 0 where nothing stands there, or no namespace. (`ip netns del` leaves a plain file for a moment.)
std::int64_t number_at(const std::string& path) {
  struct stat found{};
  struct statfs kind{};
  if (stat(path.c_str(), &found) != 0 || statfs(path.c_str(), &kind) != 0) return 0;
  return kind.f_type == NSFS_MAGIC ? static_cast<std::int64_t>(found.st_ino) : 0;
}

// Whether /proc shows us every process of this machine, and lets us look at it.
bool sees_all() {
  constexpr ino_t kFirst = 0xEFFFFFFC;  // the number of the pid namespace that all others are in
  struct stat found{};
  return have(cap::kSysPtrace) && stat("/proc/self/ns/pid", &found) == 0 && found.st_ino == kFirst;
}

}  // namespace

Json to_json(const Netns& netns) {
  return Json::object({{"shown", netns.shown},
                       {"path", netns.path},
                       {"number", netns.number},
                       {"boot", netns.boot}});
}

Result<Netns> netns_from(const Json& value) {
  Netns netns{value.text("shown"), value.text("path"), value.integer("number", 0),
              value.text("boot")};
  if (!netns.path.starts_with('/') || netns.number == 0) {
    return fail(ErrorCode::corrupt, "an undo lacks its network namespace");
  }
  return netns;
}

Result<Netns> netns_named(const std::string& name) {
  const bool own = name == kOwnNetns || name.empty();
  const bool is_path = name.contains('/');
  if (is_path && !name.starts_with('/')) {
    return fail(ErrorCode::invalid, "`netns: " + name + "` is neither a name nor a whole path",
                "a path begins with /: /proc/4711/ns/net");
  }
  const std::string path = own ? kOurs : is_path ? name : kNamed + name;
  const auto number = number_at(path);
  if (number == 0) {
    return fail(ErrorCode::not_found, "no network namespace " + name + ": none stands at " + path,
                "`ip netns list` shows those that have names");
  }
  return Netns{own ? "this machine" : "network namespace " + name, path, number, boot_id()};
}

Result<Netns> netns_of(const Target& target) {
  const Json* host = target.facets.find("host");
  if (host == nullptr) {
    return fail(ErrorCode::not_found, "target " + target.name + " has no `host`");
  }
  return netns_named(host->text("netns"));
}

Result<std::optional<std::string>> entrance_to(const Netns& netns, const Doors& doors) {
  const bool same_boot = netns.boot == boot_id();
  if (const auto now = number_at(netns.path); now == netns.number || (now != 0 && !same_boot)) {
    return netns.path;
  }
  if (!same_boot) return std::nullopt;
  for (const pid_t pid : doors.processes.all()) {
    std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
    if (number_at(path) == netns.number) return path;
  }
  if (sees_all()) return std::nullopt;
  return fail(ErrorCode::refused,
              netns.shown + " (net:[" + std::to_string(netns.number) + "]) cannot be found" +
                  in_brackets(lacking({cap::kSysPtrace})),
              "run this as root, and outside of any container: only there it shows whether it is "
              "gone");
}

// A namespace that is ours is not entered.
std::string lacking_inside(const std::string& entrance) {
  return number_at(entrance) == number_at(kOurs) ? lacking({cap::kNetAdmin})
                                                 : lacking({cap::kNetAdmin, cap::kSysAdmin});
}

Result<Ended> run_inside(const std::string& entrance, std::vector<std::string> argv,
                         const DeedContext& context) {
  if (number_at(entrance) != number_at(kOurs)) {
    argv.insert(argv.begin(), {"nsenter", "--net=" + entrance, "--"});
  }
  return context.doors.processes.run({std::move(argv), "/", {}}, context.until);
}

Result<Descriptor> socket_inside(const std::string& entrance, int family, int type) {
  Descriptor made;
  int failed = 0;
  std::thread inside([&] {
    const Descriptor there(open(entrance.c_str(), O_RDONLY | O_CLOEXEC));
    const bool ours = number_at(entrance) == number_at(kOurs);
    if (!there || (!ours && setns(there.get(), CLONE_NEWNET) != 0)) {
      failed = errno;
      return;
    }
    made = Descriptor(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    failed = made ? 0 : errno;
  });
  inside.join();
  if (made) return made;
  return std::unexpected(system_error(failed, "cannot make a socket in " + entrance));
}

}  // namespace gameday
