#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "engine/base/text.h"

namespace gameday {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool shows_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = lower(environment(name));
    if (locale.empty()) continue;
    return locale.contains("utf-8") || locale.contains("utf8");
  }
  return false;
}

}  // namespace

std::optional<Terminal> Terminal::of_standard_error() {
  if (isatty(STDERR_FILENO) != 1) return {};
  const std::string kind = environment("TERM"), ci = environment("CI");
  if (kind.empty() || kind == "dumb" || (!ci.empty() && ci != "false")) return {};
  // A terminal of somebody else's, as under su, may not be opened: then lines will do.
  Descriptor own(open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own) return {};
  return Terminal(std::move(own));
}

TerminalTerms Terminal::terms() const {
  TerminalTerms terms;
  winsize size{};
  if (ioctl(own_.get(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    terms.columns = size.ws_col;
    terms.rows = size.ws_row;
  }
  terms.colour = environment("NO_COLOR").empty();
  terms.unicode = shows_unicode();
  return terms;
}

bool Terminal::taken() {
  while (!left_.empty()) {
    const ssize_t written = ::write(own_.get(), left_.data(), left_.size());
    if (written > 0) {
      left_.erase(0, static_cast<std::size_t>(written));
    } else if (written == 0 || errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      left_.clear();  // its window was closed
    }
  }
  return left_.empty();
}

void Terminal::write(std::string_view text) {
  left_ += text;
  (void)taken();
}

void Terminal::settle(const Clock& clock, Duration longest) {
  const Until until{Stop(), clock.in(longest)};
  while (!taken() && wait_for(own_.get(), POLLOUT, clock, until)) {
  }
  left_.clear();
}

}  // namespace gameday
