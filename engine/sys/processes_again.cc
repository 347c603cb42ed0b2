#include "engine/sys/processes_again.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "engine/base/text.h"
#include "engine/sys/processes_gate.h"
#include "engine/sys/processes_look.h"
#include "engine/sys/time_offsets.h"

namespace gameday {
namespace {

constexpr const char* kDeleted = " (deleted)";

// What went wrong in the child, sent through a pipe that exec closes.
struct Failure {
  int step = 0;
  int number = 0;
};
constexpr const char* kSteps[] = {
    "fork",          "start a session",  "set its limits",   "set its groups",
    "set its ids",   "enter its folder", "open its streams", "run its program",
    "set its clocks"};
enum Step { forking, session, limits, groups, ids, folder, streams, program, clocks };

struct ChildSide {
  const Rebirth& rebirth;
  const Gate& gate;
  int failures;
  const char* const* argv;
  const char* const* environment;

  [[noreturn]] void give_up(Step step) const {
    const Failure failure{step, errno};
    const ssize_t ignored = write(failures, &failure, sizeof failure);
    _exit(ignored < 0 ? 126 : 127);
  }

  // The first child only makes the second one, and ends: so the second is nobody's child.
  [[noreturn]] void first() const {
    if (!rebirth.time_offsets.empty()) take_clocks();
    const pid_t pid = fork();
    if (pid < 0) give_up(forking);
    if (pid > 0) _exit(0);
    second();
  }

  [[noreturn]] void second() const {
    if (setsid() < 0) give_up(session);
    if (!gate.pass()) _exit(127);
    take_limits();
    take_ids();
    keep_to_its_capabilities();
    if (chdir(rebirth.cwd.c_str()) != 0) give_up(folder);
    const std::array<int, 3> sources{rebirth.streams[0].get(), rebirth.streams[1].get(),
                                     rebirth.streams[2].get()};
    if (!take_streams(sources)) give_up(streams);
    if (rebirth.set_umask) umask(rebirth.umask);
    // Not closed but marked: the lock on the drill is among them and has to last until exec.
    if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up(streams);
    reset_signals();
    execve(rebirth.exe.c_str(), const_cast<char* const*>(argv),
           const_cast<char* const*>(environment));
    give_up(program);
  }

  // Whoever is forked from now on lives in the new namespace.
  void take_clocks() const {
    if (unshare(CLONE_NEWTIME) != 0) give_up(clocks);
    const int file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    const auto size = static_cast<ssize_t>(rebirth.time_offsets.size());
    if (file < 0 || write(file, rebirth.time_offsets.data(), rebirth.time_offsets.size()) != size) {
      give_up(clocks);
    }
    close(file);
  }

  void take_limits() const {
    for (const auto& limit : rebirth.limits) {
      const rlimit value{limit.soft, limit.hard};
      const auto kind = static_cast<__rlimit_resource>(limit.resource);
      if (setrlimit(kind, &value) != 0) give_up(limits);
    }
  }

  // The system calls themselves: the library's functions would signal all threads of the parent's
  // picture of this process, of which there is only one here.
  void take_ids() const {
    if (rebirth.set_groups &&
        syscall(SYS_setgroups, rebirth.groups.size(), rebirth.groups.data()) != 0) {
      give_up(groups);
    }
    if (!rebirth.set_ids) return;
    if (syscall(SYS_setresgid, rebirth.gid, rebirth.gid, rebirth.gid) != 0) give_up(ids);
    if (syscall(SYS_setresuid, rebirth.uid, rebirth.uid, rebirth.uid) != 0) give_up(ids);
  }

  // Of the capabilities that we hand on, it gets those that it handed on itself.
  void keep_to_its_capabilities() const {
    for (unsigned long number = 0; number <= CAP_LAST_CAP; ++number) {
      if ((rebirth.ambient >> number & 1U) != 0) continue;
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, number, 0, 0);
    }
  }
};

std::vector<const char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  pointers.push_back(nullptr);
  return pointers;
}

Result<Descriptor> null_stream(int access) {
  Descriptor null(open("/dev/null", access | O_CLOEXEC));
  if (!null) return std::unexpected(system_error(errno, "cannot open /dev/null"));
  return above_streams(std::move(null));
}

// Only files and devices: a named pipe would wait for its other end, and what was deleted, piped or
// a socket has no name to open it by.
Result<Descriptor> reopened(const std::string& path, int stream) {
  const int access = stream == STDIN_FILENO ? O_RDONLY : O_WRONLY | O_APPEND;
  struct stat found{};
  if (!path.starts_with('/') || path.ends_with(kDeleted) || stat(path.c_str(), &found) != 0 ||
      !(S_ISREG(found.st_mode) || S_ISCHR(found.st_mode))) {
    return null_stream(access);
  }
  Descriptor file(open(path.c_str(), access | O_CLOEXEC | O_NOCTTY));
  if (!file) return null_stream(access);
  return above_streams(std::move(file));
}

std::vector<gid_t> own_groups() {
  std::vector<gid_t> own(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(own.size()), own.data());
  own.resize(static_cast<std::size_t>(std::max(count, 0)));
  return own;
}

void take_rights(const ProcessFacts& facts, Rebirth& rebirth) {
  rebirth.uid = facts.uid;
  rebirth.gid = facts.gid;
  rebirth.ambient = facts.ambient;
  rebirth.groups = facts.groups;
  rebirth.set_ids = facts.uid != geteuid() || facts.gid != getegid() || getuid() != geteuid() ||
                    getgid() != getegid();
  auto ours = own_groups(), theirs = facts.groups;
  std::ranges::sort(ours);
  std::ranges::sort(theirs);
  rebirth.set_groups = ours != theirs;
  rebirth.set_umask = true;
  rebirth.umask = facts.umask;
  rebirth.limits = facts.limits;
}

Status check(const ProcessFacts& facts) {
  const std::string name = facts.argv.empty() ? facts.exe : facts.argv.front();
  const std::string doing = "cannot start " + name + " again: ";
  if (facts.exe.empty() || facts.argv.empty() || facts.cwd.empty()) {
    return fail(ErrorCode::invalid, doing + "its program, arguments or folder are not known");
  }
  if (facts.exe.ends_with(kDeleted) || access(facts.exe.c_str(), F_OK) != 0) {
    return fail(ErrorCode::not_found, doing + "its program " + facts.exe + " is not there");
  }
  if (access(facts.exe.c_str(), X_OK) != 0) {
    return fail(ErrorCode::refused, doing + facts.exe + " may not be executed");
  }
  if (!facts.namespaces.empty() && facts.namespaces != proc::namespaces_of("/proc/self")) {
    return fail(ErrorCode::unsupported, doing + "it lived in other namespaces than gameday does",
                "run gameday in the namespaces of the process");
  }
  return {};
}

Result<Failure> failure_in(int descriptor) {
  Failure failure;
  ssize_t got = 0;
  do {
    got = read(descriptor, &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return std::unexpected(system_error(errno, "cannot hear from a new process"));
  return got == static_cast<ssize_t>(sizeof failure) ? failure : Failure{};
}

void reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
}

// The pipe closes in the middle of exec, a moment before the arguments can be read: whoever looks
// at the new process now must find it whole.
void wait_until_readable(const ProcessId& id) {
  constexpr int kLooks = 200;
  const std::string path = "/proc/" + std::to_string(id.pid) + "/cmdline";
  for (int look = 0; look < kLooks && proc::alive(id); ++look) {
    const auto arguments = proc::read(path);
    if (arguments && !arguments->empty()) return;
    poll(nullptr, 0, 1);
  }
}

// An Error where the child came but may not run: the closing gate then ends it.
Result<ProcessId> let_in(Gate& gate, const std::function<Status(pid_t)>& before_it_runs) {
  const pid_t pid = gate.arrived();
  if (pid == 0) return fail(ErrorCode::failed, "the new process did not come up");
  TRY(found, proc::stat_of(pid));
  TRY_OK(before_it_runs(pid));
  gate.open();
  return ProcessId{boot_id(), pid, found.start};
}

}  // namespace

Result<Rebirth> rebirth_of(const ProcessFacts& facts, const std::string& mark) {
  TRY_OK(check(facts));
  Rebirth rebirth;
  rebirth.exe = facts.exe;
  rebirth.argv = facts.argv;
  rebirth.cwd = facts.cwd;
  const std::string name = mark.substr(0, mark.find('=') + 1);
  for (const auto& variable : facts.environment) {
    if (name.empty() || !variable.starts_with(name)) rebirth.environment.push_back(variable);
  }
  if (!mark.empty()) rebirth.environment.push_back(mark);
  for (int stream = 0; stream < 3; ++stream) {
    const auto at = static_cast<std::size_t>(stream);
    const auto& streams = facts.standard_streams;
    TRY(opened, reopened(at < streams.size() ? streams[at] : "", stream));
    rebirth.streams[at] = std::move(opened);
  }
  take_rights(facts, rebirth);
  if (facts.clocks_ahead != Duration{}) {
    TRY(ours, time_offsets_of(getpid()));
    rebirth.time_offsets =
        text_of({ours.monotonic + facts.clocks_ahead, ours.boottime + facts.clocks_ahead});
  }
  return rebirth;
}

Result<ProcessId> give_birth(const Rebirth& rebirth,
                             const std::function<Status(pid_t)>& before_it_runs) {
  TRY(gate, Gate::make());
  TRY(failures, make_pipe());
  const auto argv = pointers_to(rebirth.argv);
  const auto environment = pointers_to(rebirth.environment);
  const ChildSide child{rebirth, gate, failures.write_end.get(), argv.data(), environment.data()};
  const pid_t first = fork();
  if (first < 0) return std::unexpected(system_error(errno, "cannot fork"));
  if (first == 0) child.first();
  failures.write_end.reset();
  gate.no_more_children();
  reap(first);
  auto born = let_in(gate, before_it_runs);
  if (!born) gate.shut();
  TRY(failure, failure_in(failures.read_end.get()));
  if (failure.number != 0) {
    const auto doing = std::string("cannot ") + kSteps[failure.step] + " (" + rebirth.exe + ")";
    return std::unexpected(system_error(failure.number, doing));
  }
  if (born) wait_until_readable(*born);
  return born;
}

Status replace_pidfile(const std::string& path, pid_t pid, const Rebirth& rebirth) {
  struct stat old{};
  const bool had = stat(path.c_str(), &old) == 0;
  const std::string temporary = path + ".new." + std::to_string(getpid());
  const mode_t mode = had ? old.st_mode & 0777U : 0644U;
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(system_error(errno, "cannot create " + temporary));
  const std::string text = std::to_string(pid) + "\n";
  const uid_t uid = had ? old.st_uid : rebirth.uid;
  const gid_t gid = had ? old.st_gid : rebirth.gid;
  const bool owned = (uid == geteuid() && gid == getegid()) || fchown(file.get(), uid, gid) == 0;
  const bool written =
      owned && fchmod(file.get(), mode) == 0 &&
      write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file.get()) == 0 && rename(temporary.c_str(), path.c_str()) == 0;
  if (written) return {};
  const int number = errno;
  unlink(temporary.c_str());
  return std::unexpected(system_error(number, "cannot write " + path));
}

void rejoin_cgroups(pid_t pid, const std::string& cgroup) {
  const auto now = proc::read("/proc/" + std::to_string(pid) + "/cgroup").value_or("");
  const auto lines_now = split(now, '\n');
  for (const auto& line : split(cgroup, '\n')) {
    if (line.empty() || std::ranges::find(lines_now, line) != lines_now.end()) continue;
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string hierarchy = line.substr(first + 1, second - first - 1);
    if (hierarchy.starts_with("name=")) hierarchy = hierarchy.substr(5);
    const std::string inside = line.substr(second + 1) + "/cgroup.procs";
    // The unified hierarchy has no name; beside the old ones it is mounted as "unified".
    const std::string folders[] = {"/sys/fs/cgroup/" + hierarchy, "/sys/fs/cgroup/unified"};
    for (const auto& folder : std::span(folders).first(hierarchy.empty() ? 2 : 1)) {
      const Descriptor file(open((folder + inside).c_str(), O_WRONLY | O_CLOEXEC));
      if (!file) continue;
      const std::string text = std::to_string(pid);
      if (write(file.get(), text.data(), text.size()) > 0) break;
    }
  }
}

}  // namespace gameday
