#include "cli/doctor_looks.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/doctor_docker.h"
#include "cli/doctor_host.h"
#include "cli/doctor_postgres.h"
#include "drills/systems/clock_skew.h"
#include "engine/base/text.h"
#include "engine/journal/filesystem.h"
#include "engine/proxy/client.h"
#include "engine/runtime/locks.h"
#include "engine/sys/processes.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

Look tried(std::string name, int (*attempt)(), const std::string& yes, std::string advice,
           std::vector<std::string> serves = {}) {
  const int number = tried_in_child(attempt);
  return {std::move(name),
          Needed::at_times,
          number == 0,
          number == 0 ? yes : reason(number),
          number == 0 ? "" : std::move(advice),
          std::move(serves)};
}

// As the guardian does it: into the root of any hierarchy that lets us in.
int enter_root_cgroup() {
  int number = ENOENT;
  for (const char* procs : {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs",
                            "/sys/fs/cgroup/systemd/cgroup.procs"}) {
    const int file = open(procs, O_WRONLY | O_CLOEXEC);
    if (file >= 0 && write(file, "0", 1) == 1) return 0;
    if (errno != ENOENT) number = errno;
  }
  return number;
}

Look look_at_cgroup() {
  Look look = tried("cgroup", enter_root_cgroup, "", "");
  const std::string why = look.ok ? "can leave" : "cannot leave (" + look.found + ")";
  look.found = cgroup_version() + "; the guardian " + why + " the runner's";
  if (!look.ok) {
    look.advice =
        "where a CI system kills the whole cgroup, the guardian dies too: run `gameday revert` "
        "then";
  }
  return look;
}

Look look_at_locks(const Files& files) {
  const auto folder = LockFolder::find(files);
  if (folder) return {"locks", Needed::always, true, "the folder for locks can be written", ""};
  return {"locks", Needed::always, false, folder.error().text, folder.error().hint};
}

Look look_at_proxies(const Files& files) {
  Look look{"links", Needed::at_times, false, "", ""};
  const auto path = proxy_control_path("127.0.0.1:1");
  const std::string folder =
      path ? std::filesystem::path(*path).parent_path().string() : std::string();
  const Status made = path ? files.make_folder(folder, folder == "/run/gameday" ? 0755 : 0700)
                           : Status(std::unexpected(path.error()));
  look.ok = made && access(folder.c_str(), W_OK) == 0;
  if (look.ok) {
    look.found = "links can be cut through `gameday proxy`, controlled in " + folder;
    return look;
  }
  look.found = made ? folder + " cannot be written" : made.error().text;
  look.advice = "set XDG_RUNTIME_DIR to a folder of your own; without it, no fault cuts a link";
  return look;
}

Look look_at_pidfd() {
  const long descriptor = syscall(SYS_pidfd_open, getpid(), 0);
  const int number = descriptor >= 0 ? 0 : errno;
  if (descriptor >= 0) close(static_cast<int>(descriptor));
  return {"pidfd", Needed::always, number == 0,
          number == 0 ? "processes are held so that a pid is never mistaken" : reason(number),
          "needs Linux 5.3 or later, and a sandbox that allows pidfd_open"};
}

Look look_at_processes(const Processes& processes) {
  const auto self = processes.look(getpid());
  Look look{"processes", Needed::always, self.has_value(), "", ""};
  if (!self) {
    look.found = self.error().text;
    look.advice = "mount /proc";
  } else {
    look.found = geteuid() == 0 ? "those of every user"
                                : "those of user " + std::to_string(geteuid()) + " alone";
  }
  return look;
}

std::filesystem::path nearest_folder(std::filesystem::path path) {
  std::error_code none;
  while (!std::filesystem::is_directory(path, none) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

Look look_at_store(const std::string& store, const std::string& no_store) {
  Look look{"store", Needed::always, false, no_store, "name a file: --store FILE"};
  if (store.empty()) return look;
  const std::string folder = nearest_folder(std::filesystem::path(store).parent_path()).string();
  const auto filesystem = filesystem_of(folder);
  const Status fit =
      filesystem ? fit_for_store(folder, *filesystem) : Status(std::unexpected(filesystem.error()));
  if (!fit) {
    look.found = fit.error().text;
    return look;
  }
  look.ok = access(folder.c_str(), W_OK | X_OK) == 0;
  const std::string kind = filesystem->type.empty() ? "a local filesystem" : filesystem->type;
  look.found = store + " on " + kind + (look.ok ? "" : ": " + folder + " cannot be written");
  return look;
}

Look look_at_space(const std::string& store) {
  constexpr std::uint64_t kEnough = 64 * kMiB;
  Look look{"free space", Needed::always, false, "no store, no place to look at", ""};
  if (store.empty()) return look;
  const std::string folder = nearest_folder(std::filesystem::path(store).parent_path()).string();
  struct statvfs space{};
  if (statvfs(folder.c_str(), &space) != 0) {
    look.found = "cannot look at " + folder + ": " + reason(errno);
    return look;
  }
  const std::uint64_t free = space.f_bavail * space.f_frsize;
  look.ok = free >= kEnough;
  look.found = std::to_string(free / kMiB) + " MiB in " + folder;
  look.advice = "a drill wants " + std::to_string(kEnough / kMiB) + " MiB for its journal";
  return look;
}

// Runs a program to its end; what it said, or why it could not be run.
struct Ran {
  bool ok = false;
  std::string said;
};
Ran ran(Processes& processes, const Clock& clock, std::vector<std::string> argv) {
  const auto ended =
      processes.run({std::move(argv), "/", {}}, {Stop(), clock.in(std::chrono::seconds(5))});
  if (!ended) return {false, ended.error().text};
  const auto said = trimmed(ended->output);
  return {ended->succeeded(), std::string(said.substr(0, said.find('\n')))};
}

// In a network namespace of its own, which is gone with the program.
Look look_inside_namespace(Processes& processes, const Clock& clock, const std::string& name,
                           const std::string& package, std::vector<std::string> argv,
                           const std::string& advice, std::vector<std::string> serves) {
  Look look{name, Needed::at_times, false, "", advice, std::move(serves)};
  const auto program = program_of({argv, "/", {}});
  if (!program) {
    look.found = argv.front() + " is not installed";
    look.advice = "apt-get install " + package + "; " + advice;
    return look;
  }
  // As a path: unshare would look in PATH alone.
  argv.front() = *program;
  std::vector<std::string> inside = {"unshare", "--net"};
  inside.insert(inside.end(), argv.begin(), argv.end());
  const Ran here = ran(processes, clock, inside);
  look.ok = here.ok;
  look.found = here.ok ? "works" : here.said.empty() ? "does not work" : here.said;
  return look;
}

constexpr const char* kLinks = "links are cut by `gameday proxy`, which needs none of it";

// What stops, loses, resets and slows packets.
std::vector<Look> look_at_packets(Processes& processes, const Clock& clock) {
  const auto inside = [&](const std::string& name, const std::string& package,
                          std::vector<std::string> argv, const std::string& advice,
                          std::vector<std::string> serves = {}) {
    return look_inside_namespace(processes, clock, name, package, std::move(argv), advice,
                                 std::move(serves));
  };
  const std::string rules = std::string("without it no host is blocked; ") + kLinks;
  std::vector<Look> looks;
  looks.push_back(
      inside("iptables", "iptables", {"iptables", "-S"}, rules, {"block", "block-container"}));
  looks.push_back(
      inside("ip6tables", "iptables", {"ip6tables", "-S"}, rules, {"block", "block-container"}));
  for (const char* name : {"iptables", "ip6tables"}) {
    const std::string tables = name;
    looks.push_back(inside(tables + " statistic", "iptables",
                           {tables, "-A", "OUTPUT", "-m", "statistic", "--mode", "random",
                            "--probability", "0.5", "-j", "DROP"},
                           "boot a kernel with CONFIG_NETFILTER_XT_MATCH_STATISTIC (modprobe "
                           "xt_statistic); without it no packets are lost by chance",
                           {"loss", "loss-container"}));
    looks.push_back(
        inside(tables + " tcp-reset", "iptables",
               {tables, "-A", "OUTPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"},
               "boot a kernel with CONFIG_IP_NF_TARGET_REJECT and "
               "CONFIG_IP6_NF_TARGET_REJECT (modprobe ipt_REJECT ip6t_REJECT); without "
               "it connections are reset by `gameday proxy` alone",
               {"reset-container", "reset-host"}));
  }
  looks.push_back(inside(
      "netem", "iproute2", {"tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"},
      "boot a kernel with CONFIG_NET_SCH_NETEM (modprobe sch_netem); without it no container's "
      "network is late (`delay`): links are, by `gameday proxy`, and `loss` does without",
      {"delay-container"}));
  looks.push_back(inside("tbf", "iproute2",
                         {"tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "1mbit",
                          "burst", "4kb", "latency", "50ms"},
                         "what a host or a container sends cannot be limited; links are limited by "
                         "`gameday proxy`",
                         {"limit-container", "limit-host"}));
  return looks;
}

Look look_at_device_mapper() {
  const int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  const int number = control >= 0 ? 0 : errno;
  if (control >= 0) close(control);
  return {"device mapper", Needed::at_times, number == 0,
          number == 0 ? "answers" : "/dev/mapper/control: " + reason(number),
          "disks cannot be slowed or made to fail here; no fault of this version needs it"};
}

Look look_at_faketime() {
  const auto library = faketime_library();
  return {"libfaketime",
          Needed::at_times,
          library.has_value(),
          library ? *library : "is not installed",
          "apt-get install faketime; without it, no process gets another time of day "
          "(`clock: realtime`)",
          {"skew-clock"}};
}

Look look_at_git(Processes& processes, const Clock& clock) {
  const Ran git = ran(processes, clock, {"git", "--version"});
  return {"git", Needed::at_times, git.ok, git.ok ? git.said : "is not installed",
          "apt-get install git; without it, results do not name the playbook's commit"};
}

Look look_at_ssh(Processes& processes, const Clock& clock) {
  const Ran ssh = ran(processes, clock, {"ssh", "-V"});
  return {"ssh",
          Needed::at_times,
          ssh.ok,
          ssh.ok ? ssh.said : "is not installed",
          "apt-get install openssh-client; without it, no other machine is a target",
          {"block-remote", "kill-remote", "pause-remote", "fill-disk-remote"}};
}

// Without faults that this gameday has not got.
void keep_known(std::vector<Look>& looks, const Rows& rows) {
  for (auto& look : looks) {
    std::erase_if(look.serves, [&](const auto& fault) { return rows.fault(fault) == nullptr; });
  }
}

}  // namespace

std::vector<Look> look_around(const std::string& store, const std::string& no_store,
                              const Rows& rows) {
  const SystemClock clock;
  const Files files;
  // Before anything starts a thread: a child of a threaded program may only exec.
  const Look cgroup = look_at_cgroup();
  const auto host = look_at_host();
  const Look network = tried(
      "network namespaces", [] { return unshare(CLONE_NEWNET) == 0 ? 0 : errno; }, "can be made",
      std::string("needs root; ") + kLinks);
  const Look time = tried(
      "time namespaces", [] { return unshare(CLONE_NEWTIME) == 0 ? 0 : errno; }, "can be made",
      "needs root and Linux 5.6; without them, no process is started with another clock",
      {"clock-skew", "skew-clock", "clock"});
  const auto processes = make_processes(clock);
  std::vector<Look> looks = {look_at_processes(*processes),
                             look_at_pidfd(),
                             look_at_locks(files),
                             look_at_store(store, no_store),
                             look_at_space(store),
                             look_at_proxies(files),
                             cgroup,
                             look_at_git(*processes, clock),
                             look_at_ssh(*processes, clock)};
  looks.insert(looks.end(), host.begin(), host.end());
  looks.push_back(network);
  const auto packets = look_at_packets(*processes, clock);
  looks.insert(looks.end(), packets.begin(), packets.end());
  looks.push_back(time);
  looks.push_back(look_at_faketime());
  looks.push_back(look_at_device_mapper());
  const auto containers = look_at_docker(*processes, rows);
  looks.insert(looks.end(), containers.begin(), containers.end());
  const auto databases = look_at_postgres(*processes);
  looks.insert(looks.end(), databases.begin(), databases.end());
  keep_known(looks, rows);
  return looks;
}

bool drills_can_run(const std::vector<Look>& looks) {
  return std::ranges::all_of(
      looks, [](const Look& look) { return look.ok || look.needed != Needed::always; });
}

Json to_json(const std::vector<Look>& looks) {
  Json checks = Json::array();
  for (const auto& look : looks) {
    Json serves = Json::array();
    for (const auto& fault : look.serves) serves.push(fault);
    checks.push(Json::object({{"name", look.name},
                              {"needed", look.needed == Needed::always},
                              {"ok", look.ok},
                              {"found", look.found},
                              {"advice", look.ok ? "" : look.advice},
                              {"faults", std::move(serves)}}));
  }
  return Json::object({{"can_run", drills_can_run(looks)}, {"checks", std::move(checks)}});
}

}  // namespace gameday
