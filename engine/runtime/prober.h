// Asks each probe at its interval, on a thread of its own, and tells every attempt.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/conductor/events.h"
#include "engine/runtime/performer.h"

namespace gameday {

class Prober {
 public:
  Prober(const Performer& performer, const Rows& rows, const Clock& clock,
         std::function<void(Sampled)> each)
      : performer_(performer), rows_(rows), clock_(clock), each_(std::move(each)) {}
  ~Prober();

  void start(const std::vector<ProbeSpec>& probes);

 private:
  void ask_for_ever(const ProbeSpec& probe);
  [[nodiscard]] Sampled ask_once(const ProbeSpec& probe);

  const Performer& performer_;
  const Rows& rows_;
  const Clock& clock_;
  std::function<void(Sampled)> each_;
  StopSource stop_;
  std::vector<std::jthread> threads_;
};

}  // namespace gameday
