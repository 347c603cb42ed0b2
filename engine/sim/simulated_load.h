// One load of a rehearsal: when its requests are due, and what became of each. Made of samples, so
// that outages, phases and the ledger are judged by the code that judges real ones.
#pragma once

#include <vector>

#include "engine/base/json.h"
#include "engine/base/random.h"
#include "engine/load/sample.h"
#include "engine/playbook/playbook.h"

namespace gameday {

class SimulatedSystem;

// Its own; of one that a process carries nobody knows how often its users ask: each once a second.
[[nodiscard]] double simulated_rate(const LoadSpec& spec);

class SimulatedLoad {
 public:
  SimulatedLoad(const LoadSpec& spec, double rate, Instant started, Random random)
      : spec_(spec), rate_(rate), started_(started), next_due_(started), random_(random) {}

  // Sends what is due until then, unless it has ended.
  void run_to(Instant at, SimulatedSystem& system);
  void end() { ended_ = true; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  [[nodiscard]] Instant started() const { return started_; }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] const LoadSpec& spec() const { return spec_; }
  // What was due in the second from then on, for those who watch.
  [[nodiscard]] Json window(Instant from) const;

 private:
  void send(SimulatedSystem& system);
  void accepted(const Sample& sample, SimulatedSystem& system);

  const LoadSpec& spec_;
  const double rate_;
  const Instant started_;
  Instant next_due_;
  Random random_;
  bool ended_ = false;
  std::vector<Sample> samples_;
  int swallowed_ = 0, corrupted_ = 0;
};

}  // namespace gameday
