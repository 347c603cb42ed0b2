#include "engine/sys/processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "engine/sys/processes_again.h"
#include "engine/sys/processes_gate.h"
#include "engine/sys/processes_launch.h"
#include "engine/sys/processes_look.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

Error gone(const ProcessId& id) {
  return {ErrorCode::not_found, "process " + std::to_string(id.pid) + " is gone", ""};
}

// A handle on that very process: the start time is compared after the handle was taken, so that it
// cannot name a later process of the same number.
Result<Descriptor> handle_on(const ProcessId& id) {
  Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, id.pid, 0)));
  if (!handle && errno != ESRCH) {
    return std::unexpected(system_error(errno, "cannot hold process " + std::to_string(id.pid)));
  }
  if (!handle || !proc::alive(id)) return std::unexpected(gone(id));
  return handle;
}

Result<Descriptor> opened(const std::string& path, int flags) {
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  return above_streams(std::move(file));
}

class SystemProcesses : public Processes {
 public:
  SystemProcesses(const Clock& clock, ChildAnnouncer announcer, WriteObserver observer)
      : clock_(clock), announcer_(std::move(announcer)), observer_(std::move(observer)) {}

  Result<ProcessFacts> look(pid_t pid) const override { return proc::look(pid); }
  std::vector<pid_t> all() const override { return proc::all(); }
  bool alive(const ProcessId& id) const override { return proc::alive(id); }

  Status signal(const ProcessId& id, int number) override {
    TRY(handle, handle_on(id));
    told(Side::before);
    const long sent = syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0);
    if (sent != 0) {
      if (errno == ESRCH) return std::unexpected(gone(id));
      return std::unexpected(system_error(errno, "cannot signal " + std::to_string(id.pid)));
    }
    told(Side::after);
    return {};
  }

  Status wait_gone(const ProcessId& id, const Until& until) const override {
    const auto handle = handle_on(id);
    if (!handle && handle.error().code == ErrorCode::not_found) return {};
    if (!handle) return std::unexpected(handle.error());
    const auto ended = wait_for(handle->get(), POLLIN, clock_, until);
    if (ended) return {};
    return std::unexpected(ended.error().in("waiting for process " + std::to_string(id.pid)));
  }

  Result<Ended> run(const Command& command, const Until& until) override {
    TRY(program, program_of(command));
    if (until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
    TRY(output, make_pipe());
    fcntl(output.read_end.get(), F_SETFL, O_NONBLOCK);
    Launch launch{program, command.argv, environment_of(command), command.folder,
                  std::move(output.write_end)};
    told(Side::before);
    TRY(child, launcher_.launch(std::move(launch), [this](pid_t pid) { announce(pid); }));
    auto ended = wait_for_child(child, output.read_end, command.most_output, clock_, until);
    told(Side::after);
    if (!ended) return std::unexpected(ended.error().in(command.argv.front()));
    return ended;
  }

  Result<ProcessId> start_detached(const Command& command, const std::string& log) override {
    TRY(program, program_of(command));
    Rebirth rebirth;
    rebirth.exe = program;
    rebirth.argv = command.argv;
    rebirth.environment = environment_of(command);
    rebirth.cwd = command.folder;
    rebirth.ambient = ~std::uint64_t{0};  // a part of gameday has what we have
    TRY(input, opened("/dev/null", O_RDONLY));
    TRY(output, opened("/dev/null", O_WRONLY));
    TRY(errors, opened(log, O_WRONLY | O_APPEND | O_CREAT));
    rebirth.streams = {std::move(input), std::move(output), std::move(errors)};
    told(Side::before);
    TRY(id, give_birth(rebirth, [](pid_t) { return Status{}; }));
    told(Side::after);
    return id;
  }

  Result<ProcessId> start_again(const ProcessFacts& facts, const std::string& mark,
                                const std::string& pidfile) override {
    TRY(rebirth, rebirth_of(facts, mark));
    told(Side::before);
    TRY(id, give_birth(rebirth, [&](pid_t pid) -> Status {
          rejoin_cgroups(pid, facts.cgroup);
          return pidfile.empty() ? Status{} : replace_pidfile(pidfile, pid, rebirth);
        }));
    told(Side::after);
    return id;
  }

 private:
  void announce(pid_t pid) const {
    const auto found = proc::stat_of(pid);
    if (announcer_ && found) announcer_({boot_id(), pid, found->start});
  }

  void told(Side side) const {
    if (observer_) observer_("processes", side);
  }

  const Clock& clock_;
  ChildAnnouncer announcer_;
  WriteObserver observer_;
  Launcher launcher_;
};

}  // namespace

std::unique_ptr<Processes> make_processes(const Clock& clock, ChildAnnouncer announcer,
                                          WriteObserver observer) {
  return std::make_unique<SystemProcesses>(clock, std::move(announcer), std::move(observer));
}

}  // namespace gameday
