// Notices when the time of day is set while a drill runs: boot time goes on as it did.
#pragma once

#include <optional>

#include "engine/sys/clock.h"

namespace gameday {

class ClockWatch {
 public:
  // The clock outlives this.
  ClockWatch(const Clock& clock, Duration tolerated)
      : clock_(clock), tolerated_(tolerated), ahead_(utc_ahead()) {}

  // How far UTC was set since the last look, back being below zero; none: not beyond what is
  // tolerated. To be asked about once a second: clocks that are drawn together slowly are no jump.
  [[nodiscard]] std::optional<Duration> look();

 private:
  [[nodiscard]] Duration utc_ahead() const;

  const Clock& clock_;
  Duration tolerated_;
  Duration ahead_;  // how far UTC was ahead of boot time at the last look
};

}  // namespace gameday
