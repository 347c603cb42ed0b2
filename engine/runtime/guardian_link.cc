#include "engine/runtime/guardian_link.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr Duration kStartsWithin = std::chrono::seconds(10);

// Spawned with the socket as standard input, our standard error, and nothing else.
Result<pid_t> spawn(const std::string& executable, std::vector<std::string> arguments, int socket) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, 0);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, executable.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return std::unexpected(system_error(error, "cannot start the guardian"));
  return pid;
}

Status wait_until_it_stands(int socket, const Clock& clock) {
  const Until until{Stop(), clock.in(kStartsWithin)};
  char word[64];
  auto ready = wait_for(socket, POLLIN, clock, until);
  const ssize_t got = ready ? recv(socket, word, sizeof word, 0) : -1;
  if (got > 0 && std::string_view(word, static_cast<std::size_t>(got)).starts_with("ready")) {
    return {};
  }
  return fail(ErrorCode::failed, "the guardian did not start",
              "standard error says why; nothing was injected");
}

}  // namespace

Result<std::unique_ptr<GuardianLink>> GuardianLink::start(const std::string& executable,
                                                          const std::string& store,
                                                          const std::string& drill,
                                                          const Clock& clock) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return std::unexpected(system_error(errno, "socketpair"));
  }
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  TRY(pid, spawn(executable,
                 {executable, "guardian", "--store", store, "--drill", drill, "--runner",
                  std::to_string(getpid())},
                 theirs.get()));
  theirs.reset();
  std::unique_ptr<GuardianLink> link(new GuardianLink(std::move(ours), pid));
  TRY_OK(wait_until_it_stands(link->socket_.get(), clock));
  return link;
}

GuardianLink::~GuardianLink() {
  // Without a bye the end of this socket is what tells the guardian to take over; it does not wait
  // for us, and we are about to be ended by it.
  socket_.reset();
  if (said_bye_) waitpid(pid_, nullptr, 0);
}

void GuardianLink::say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  const std::string whole = line + "\n";
  // A guardian that is gone is noticed by lost(); SIGPIPE must not end the runner before it undoes.
  (void)!send(socket_.get(), whole.data(), whole.size(), MSG_NOSIGNAL);
}

void GuardianLink::beat() { say("beat"); }

void GuardianLink::child(const ProcessId& id) {
  say("child " + std::to_string(id.pid) + " " + std::to_string(id.start));
}

void GuardianLink::owe(const std::string& mark, Instant not_after) {
  say("owe " + mark + " " + std::to_string(not_after.time_since_epoch().count()));
}

void GuardianLink::paid(const std::string& mark) { say("paid " + mark); }

void GuardianLink::secret(const std::string& reference, const std::string& value) {
  say("secret " + reference + " " + base64(value));
}

void GuardianLink::bye() {
  say("bye");
  said_bye_ = true;
}

bool GuardianLink::lost() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid != 0;
}

}  // namespace gameday
