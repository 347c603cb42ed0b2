// The door to time. Nothing else reads a clock or sleeps.
#pragma once

#include "engine/base/time.h"
#include "engine/sys/stop.h"

namespace gameday {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Now now() const = 0;
  // Waits until `until.deadline`; `stopped` if the stop comes first.
  [[nodiscard]] virtual Status sleep(const Until& until) const = 0;

  [[nodiscard]] Instant in(Duration d) const { return now().boot + d; }
  // Waits for d, but not beyond `until`: timed_out where its deadline comes first.
  [[nodiscard]] Status pause(Duration d, const Until& until) const;
};

class SystemClock : public Clock {
 public:
  [[nodiscard]] Now now() const override;
  [[nodiscard]] Status sleep(const Until& until) const override;
};

// How long the calling thread has had a processor.
[[nodiscard]] Duration thread_cpu_time();

// Distinguishes one boot of this machine from the next (/proc/sys/kernel/random/boot_id).
[[nodiscard]] std::string boot_id();

// Milliseconds for poll(2) until `deadline`, rounded up, 0 when it has passed.
[[nodiscard]] int poll_milliseconds(Instant now, Instant deadline);

// Waits until `descriptor` (none if -1) has one of `events` (poll(2)), the stop is requested or the
// deadline passes. Returns the events seen; `stopped` or `timed_out` otherwise.
[[nodiscard]] Result<short> wait_for(int descriptor, short events, const Clock& clock,
                                     const Until& until);

}  // namespace gameday
