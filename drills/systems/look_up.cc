#include "drills/systems/look_up.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "drills/systems/netns.h"
#include "engine/base/text.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

// More than the C library waits for one answer, as it is told below.
constexpr Duration kAnswersWithin = std::chrono::milliseconds(2500);
constexpr const char* kPatience = "RES_OPTIONS=timeout:1 attempts:1";

// A mount namespace as long as somebody holds it. Only a thread that does nothing else enters it.
Result<Descriptor> with_in_place(const std::string& path, NameFile kind) {
  Descriptor held;
  int failed = 0;
  std::thread inside([&] {
    const std::string place(usual_place(kind));
    const bool made = unshare(CLONE_NEWNS) == 0 &&
                      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      mount(path.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) == 0;
    failed = made ? 0 : errno;
    if (made) held = Descriptor(open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
  });
  inside.join();
  if (held) return held;
  auto error = system_error(failed, "cannot see names as a process with " + path + " does");
  error.hint = "be root: it takes a mount namespace";
  return std::unexpected(error);
}

// Of /etc/netns/NAME/hosts: what enters NAME. Empty: the file is of no such namespace.
std::string netns_of_file(const std::filesystem::path& path) {
  const auto folder = path.parent_path();
  if (folder.parent_path() != "/etc/netns") return "";
  const auto netns = netns_named(folder.filename().string());
  return netns ? "--net=" + netns->path : "";
}

std::vector<std::string> addresses_in(const std::string& output) {
  std::vector<std::string> addresses;
  for (const auto& line : split(output, '\n')) {
    if (!line.empty()) addresses.push_back(line.substr(0, line.find(' ')));
  }
  std::ranges::sort(addresses);
  addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
  return addresses;
}

}  // namespace

std::string_view usual_place(NameFile kind) {
  return kind == NameFile::hosts ? "/etc/hosts" : "/etc/resolv.conf";
}

Result<std::vector<std::string>> look_up(const std::string& name, NameFile kind,
                                         const std::string& path, const DeedContext& context) {
  constexpr int kNoSuchName = 2;
  std::vector<std::string> argv = {"nsenter"};
  Descriptor mounts;
  std::error_code error;
  if (!std::filesystem::equivalent(path, usual_place(kind), error)) {
    TRY(held, with_in_place(path, kind));
    mounts = std::move(held);
    argv.push_back("--mount=/proc/" + std::to_string(getpid()) + "/fd/" +
                   std::to_string(mounts.get()));
  }
  if (const auto netns = netns_of_file(path); !netns.empty()) argv.push_back(netns);
  if (argv.size() == 1) argv.clear();
  if (!argv.empty()) argv.emplace_back("--");
  argv.insert(argv.end(), {"getent", "ahosts", name});
  const Clock& clock = context.doors.clock;
  const Until until{context.until.stop, std::min(context.until.deadline, clock.in(kAnswersWithin))};
  const auto ended = context.doors.processes.run({argv, "/", {kPatience}}, until);
  if (!ended && ended.error().code == ErrorCode::timed_out) return std::vector<std::string>{};
  if (!ended) return std::unexpected(ended.error());
  if (ended->succeeded()) return addresses_in(ended->output);
  if (ended->how == Ended::How::exited && ended->code == kNoSuchName) {
    return std::vector<std::string>{};
  }
  return fail(ErrorCode::failed,
              "cannot look " + name + " up: " + std::string(trimmed(ended->output)));
}

}  // namespace gameday
