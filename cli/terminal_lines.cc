#include "cli/terminal_lines.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace gameday {
namespace {

constexpr std::size_t kLongestLine = 4096;

}  // namespace

TerminalLines::TerminalLines() : reads_(isatty(STDIN_FILENO) == 1) {
  // Reading in the background is then an error, and does not stop the whole drill.
  sigset_t reading;
  sigemptyset(&reading);
  sigaddset(&reading, SIGTTIN);
  pthread_sigmask(SIG_BLOCK, &reading, nullptr);
}

std::optional<std::string> TerminalLines::next() {
  pollfd typed{STDIN_FILENO, POLLIN, 0};
  if (reads_ && tcgetpgrp(STDIN_FILENO) == getpgrp() && poll(&typed, 1, 0) == 1) {
    char block[512];
    const ssize_t got = read(STDIN_FILENO, block, sizeof block);
    // Its end was typed, or the terminal has gone.
    if (got == 0) reads_ = false;
    if (got > 0) pending_.append(block, static_cast<std::size_t>(got));
  }
  const auto end = pending_.find('\n');
  if (end == std::string::npos) {
    if (pending_.size() > kLongestLine) pending_.clear();
    return {};
  }
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  return line;
}

}  // namespace gameday
