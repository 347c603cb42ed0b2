// Ctrl-C, SIGTERM and SIGHUP as requests that are counted: the first stops the drill, a second one
// shortens waits, none skips an undo.
#pragma once

#include "engine/sys/descriptor.h"

namespace gameday {

class StopSignals {
 public:
  // Blocks the signals in this thread, and so in all that it starts: construct it first.
  StopSignals();
  // How many have come so far.
  [[nodiscard]] int count();

 private:
  Descriptor signals_;
  int seen_ = 0;
};

}  // namespace gameday
