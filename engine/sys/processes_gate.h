// What a freshly forked child does before it becomes another program. Between fork and exec of a
// process with threads only async-signal-safe calls are allowed: nothing here takes memory or
// locks.
#pragma once

#include <sys/types.h>

#include <array>

#include "engine/base/result.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};
// Close-on-exec, and never one of the numbers 0 to 2.
[[nodiscard]] Result<Pipe> make_pipe();
[[nodiscard]] Result<Descriptor> above_streams(Descriptor descriptor);

// A child tells its pid and waits until it may go on, or until we are dead.
class Gate {
 public:
  [[nodiscard]] static Result<Gate> make();

  // In the parent: the child's pid; 0 where no child came. Then it may go on, or may not.
  [[nodiscard]] pid_t arrived() const;
  void open() { answer(1); }
  void shut() { answer(0); }
  // In the parent, when no child can come any more: `arrived` then returns 0 instead of waiting.
  void no_more_children() { arrivals_.write_end.reset(); }

  // In the child. False: it must end at once.
  [[nodiscard]] bool pass() const;

 private:
  void answer(char go);

  Pipe arrivals_;
  Pipe permission_;
  // Another child may hold a copy of our end of `permission_`, so that its end-of-file alone would
  // not tell that we are dead.
  Descriptor parent_;
};

// In the child: descriptors 0, 1 and 2 become these; false with errno set if it fails.
[[nodiscard]] bool take_streams(const std::array<int, 3>& sources);
// In the child: signals as a new program expects them.
void reset_signals();

}  // namespace gameday
