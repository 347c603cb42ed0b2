// A drill as whoever watches sees it: live on a terminal; elsewhere as plain lines with times,
// which a CI log keeps.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/live.h"
#include "cli/watched.h"
#include "engine/conductor/drill.h"

namespace gameday {

// One line for an event that a person wants to see; empty for the others.
[[nodiscard]] std::string progress_line(const Drill& drill, std::string_view type,
                                        const Json& data);

class Progress {
 public:
  // `live` where there is a terminal that can show it.
  Progress(const Clock& clock, bool live);

  void watch(const Drill& drill, std::string_view type, const Json& data);
  // To be called often, also while nothing happens.
  void tick(const Drill& drill);
  // Leaves the lines that stay, and the terminal as it was.
  void end();

 private:
  void tell(std::string line, Ink ink);
  void tell_of_the_load(const Drill& drill);

  const Clock& clock_;
  std::optional<Live> live_;
  WatchedDrill watched_;
  Instant told_{};
};

}  // namespace gameday
