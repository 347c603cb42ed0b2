// What a person types at the drill's terminal, a line at a time.
#pragma once

#include <optional>
#include <string>

namespace gameday {

class TerminalLines {
 public:
  // Reads nothing where standard input is no terminal. Construct it first: threads that are started
  // afterwards leave its signal alone.
  TerminalLines();
  // The next whole line, if there is one; waits for nothing, and takes nothing from a terminal that
  // is somebody else's foreground.
  [[nodiscard]] std::optional<std::string> next();

 private:
  bool reads_ = false;
  std::string pending_;
};

}  // namespace gameday
