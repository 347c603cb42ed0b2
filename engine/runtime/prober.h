// Asks each probe at its interval, on a thread of its own, and tells every attempt.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/conductor/events.h"
#include "engine/runtime/performer.h"

namespace gameday {

class Prober {
 public:
  // An attempt that does not return is left behind: it may go on using what `kept` keeps, which is
  // all that the performer's contexts refer to.
  Prober(const Performer& performer, const Rows& rows, const Clock& clock,
         std::function<void(Sampled)> each, std::shared_ptr<const void> kept = {})
      : performer_(performer),
        rows_(rows),
        clock_(clock),
        each_(std::move(each)),
        kept_(std::move(kept)) {}
  ~Prober();

  void ask(const ProbeSpec& probe);
  // An attempt under way is given up and not told.
  void leave(const std::string& name);

 private:
  struct Asking {
    StopSource stop;
    std::jthread thread;
  };
  struct Attempt;

  void ask_for_ever(const ProbeSpec& probe, const Stop& stop);
  [[nodiscard]] std::shared_ptr<Attempt> begin(const ProbeSpec& probe, const Stop& stop) const;
  void tell_end(const ProbeSpec& probe, const Attempt& attempt, const Stop& stop);

  const Performer& performer_;
  const Rows& rows_;
  const Clock& clock_;
  std::function<void(Sampled)> each_;
  std::shared_ptr<const void> kept_;
  std::map<std::string, std::unique_ptr<Asking>> asking_;
  std::vector<std::unique_ptr<Asking>> left_;  // their threads may still be on their way out
};

}  // namespace gameday
