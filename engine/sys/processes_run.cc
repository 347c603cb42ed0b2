#include "engine/sys/processes_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "engine/base/text.h"
#include "engine/sys/processes_look.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLastWords = 4 << 10;

// Takes what is there; keeps the first part and drops the rest, so that a talkative child does not
// stand still. Not more than a pipe holds at once, because one that never stops writing must not
// keep us from seeing the stop. False: no more will come.
bool drain(const Descriptor& pipe, std::size_t most, Ended& seen) {
  std::array<char, 16384> block{};
  for (int blocks = 0; blocks < 8; ++blocks) {
    const ssize_t got = read(pipe.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    const auto came = static_cast<std::size_t>(got);
    seen.output.append(block.data(), std::min(most - seen.output.size(), came));
    seen.last.append(block.data(), came);
    if (seen.last.size() > kLastWords) seen.last.erase(0, seen.last.size() - kLastWords);
  }
  return true;
}

// The status as the system gives it: exit(9) and SIGKILL are two different things.
Ended reap(pid_t child, int flags = 0) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | flags) != 0 && errno == EINTR) {
    continue;
  }
  Ended ended;
  ended.how = info.si_code == CLD_EXITED ? Ended::How::exited : Ended::How::signalled;
  ended.code = info.si_status;
  return ended;
}

bool is_program(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

bool is_folder(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

}  // namespace

void end_group(pid_t child, const Clock& clock) {
  // The child is not reaped before the end, so that its number cannot name anybody else's group.
  constexpr Duration kPatience = 1s;
  constexpr Duration kLook = 2ms;
  kill(child, SIGKILL);
  const Instant patience = clock.in(kPatience);
  while (kill(-child, SIGKILL) == 0 && proc::group_alive(child) && clock.now().boot < patience) {
    static_cast<void>(clock.sleep({{}, clock.in(kLook)}));
  }
  // A child that changed its user may be beyond our reach: never wait for it without end.
  static_cast<void>(reap(child, WNOHANG));
}

Result<Ended> wait_for_child(pid_t child, const Descriptor& output, std::size_t most,
                             const Clock& clock, const Until& until) {
  const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  Ended seen;
  pollfd waits[3] = {
      {handle.get(), POLLIN, 0}, {output.get(), POLLIN, 0}, {until.stop.descriptor(), POLLIN, 0}};
  while (waits[0].revents == 0) {
    const Instant now = clock.now().boot;
    if (until.stop.requested() || now >= until.deadline) {
      end_group(child, clock);
      if (until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
      return fail(ErrorCode::timed_out, "it did not end in time");
    }
    if (poll(waits, 3, poll_milliseconds(now, until.deadline)) < 0) continue;
    if (waits[1].revents != 0 && !drain(output, most, seen)) waits[1].fd = -1;
  }
  drain(output, most, seen);
  const Ended ended = reap(child);
  seen.how = ended.how;
  seen.code = ended.code;
  return seen;
}

Result<std::string> program_of(const Command& command) {
  if (command.argv.empty() || command.argv.front().empty()) {
    return fail(ErrorCode::invalid, "a command without a program");
  }
  const std::string& name = command.argv.front();
  if (!is_folder(command.folder)) {
    return fail(ErrorCode::not_found, "cannot run " + name + ": no folder " + command.folder);
  }
  if (name.contains('/')) {
    const std::string path = resolved_path(command.folder, name);
    if (is_program(path)) return path;
    return fail(ErrorCode::not_found, "cannot run " + name + ": no program " + path);
  }
  const char* search = std::getenv("PATH");
  const std::string usual = search != nullptr ? search : "/usr/bin:/bin";
  // What administers a machine stands in folders that the PATH of ordinary users lacks.
  for (const auto& folder : split(usual + ":/usr/sbin:/sbin", ':')) {
    const std::string path = resolved_path(command.folder, folder + "/" + name);
    if (!folder.empty() && is_program(path)) return path;
  }
  return fail(ErrorCode::not_found,
              "cannot run " + name + ": no such program in PATH, /usr/sbin or /sbin");
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> environment;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view ours(*variable);
    const auto name = ours.substr(0, ours.find('=') + 1);
    const auto replaced = [name](const std::string& extra) { return extra.starts_with(name); };
    if (std::ranges::none_of(command.extra_environment, replaced)) environment.emplace_back(ours);
  }
  environment.insert(environment.end(), command.extra_environment.begin(),
                     command.extra_environment.end());
  return environment;
}

}  // namespace gameday
