// A request to stop that every door waits on: a flag and a descriptor that becomes readable.
#pragma once

#include <memory>

#include "engine/base/time.h"

namespace gameday {

class Stop {
 public:
  Stop() = default;  // never requested
  [[nodiscard]] bool requested() const;
  // Readable (POLLIN) once requested; -1 where it can never be. Never read from it.
  [[nodiscard]] int descriptor() const;

 private:
  friend class StopSource;
  struct State;
  explicit Stop(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// Thread-safe; copies share one request.
class StopSource {
 public:
  StopSource();
  void request();
  [[nodiscard]] Stop stop() const { return Stop(state_); }

 private:
  std::shared_ptr<Stop::State> state_;
};

// How long a piece of work may go on: until the stop or the deadline, whichever comes first.
struct Until {
  Stop stop;
  Instant deadline;
};

}  // namespace gameday
