#include "engine/sys/processes_gate.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace gameday {

Result<Descriptor> above_streams(Descriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  Descriptor moved(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) return std::unexpected(system_error(errno, "cannot move a descriptor"));
  return moved;
}

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(system_error(errno, "cannot make a pipe"));
  Descriptor first(ends[0]), second(ends[1]);
  TRY(read_end, above_streams(std::move(first)));
  TRY(write_end, above_streams(std::move(second)));
  return Pipe{std::move(read_end), std::move(write_end)};
}

Result<Gate> Gate::make() {
  Gate gate;
  TRY(arrivals, make_pipe());
  TRY(permission, make_pipe());
  TRY(parent, above_streams(Descriptor(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)))));
  gate.arrivals_ = std::move(arrivals);
  gate.permission_ = std::move(permission);
  gate.parent_ = std::move(parent);
  return gate;
}

pid_t Gate::arrived() const {
  pid_t pid = 0;
  ssize_t got = 0;
  do {
    got = read(arrivals_.read_end.get(), &pid, sizeof pid);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof pid) ? pid : 0;
}

void Gate::answer(char go) {
  ssize_t written = 0;
  do {
    written = write(permission_.write_end.get(), &go, 1);
  } while (written < 0 && errno == EINTR);
}

bool Gate::pass() const {
  const pid_t pid = getpid();
  if (write(arrivals_.write_end.get(), &pid, sizeof pid) != static_cast<ssize_t>(sizeof pid)) {
    return false;
  }
  close(permission_.write_end.get());
  pollfd waits[2] = {{permission_.read_end.get(), POLLIN, 0}, {parent_.get(), POLLIN, 0}};
  while (true) {
    const int ready = poll(waits, 2, -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0 || waits[1].revents != 0) return false;
    char go = 0;
    return read(permission_.read_end.get(), &go, 1) == 1 && go == 1;
  }
}

bool take_streams(const std::array<int, 3>& sources) {
  for (int stream = 0; stream < 3; ++stream) {
    if (dup2(sources[static_cast<std::size_t>(stream)], stream) < 0) return false;
  }
  return true;
}

void reset_signals() {
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace gameday
