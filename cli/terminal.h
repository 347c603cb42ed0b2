// The door to the terminal that standard error is. It is written without ever waiting: a terminal
// that somebody has halted (Ctrl-S) must not halt the drill. Nothing is set that would have to be
// set back: a gameday that is killed leaves a terminal that works.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/line.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

class Terminal {
 public:
  // Nothing where standard error is none, or one that can only be written (TERM=dumb, a CI's).
  [[nodiscard]] static std::optional<Terminal> of_standard_error();

  // As large as it is now.
  [[nodiscard]] TerminalTerms terms() const;
  // Has it taken all that was written so far?
  [[nodiscard]] bool taken();
  void write(std::string_view text);
  // Waits until all is taken, at most that long; what is not is dropped.
  void settle(const Clock& clock, Duration longest);

 private:
  explicit Terminal(Descriptor own) : own_(std::move(own)) {}

  Descriptor own_;  // opened anew: that it does not block is not the shell's business
  std::string left_;
};

}  // namespace gameday
