// One load of a rehearsal: when its requests are due, and what became of each. Made of samples, so
// that outages, phases and the ledger are judged by the code that judges real ones.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/random.h"
#include "engine/load/sample.h"
#include "engine/load/summary.h"
#include "engine/load/users.h"
#include "engine/playbook/playbook.h"

namespace gameday {

class SimulatedSystem;

// Its own; of one that a process carries nobody knows how often its users ask: each once a second.
[[nodiscard]] double simulated_rate(const LoadSpec& spec);

class SimulatedLoad {
 public:
  // `most_rate`: requests a second that are simulated of a load that sends more.
  SimulatedLoad(const LoadSpec& spec, double most_rate, Instant started, Random random);

  // Sends what is due until then, unless it has ended.
  void run_to(Instant at, SimulatedSystem& system);
  void end(Instant at);
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  [[nodiscard]] Instant started() const { return started_; }
  [[nodiscard]] const RateCurve& rate() const { return rate_; }
  [[nodiscard]] const LoadSpec& spec() const { return spec_; }
  // None of an open loop; of a closed one, as if all that were not simulated had done as these.
  [[nodiscard]] std::optional<UsersRun> users() const;
  // What was due in the second from then on, for those who watch.
  [[nodiscard]] Json window(Instant from) const;

 private:
  [[nodiscard]] Instant next_due() const;
  // Its end.
  Instant send(Instant due, SimulatedSystem& system);
  void accepted(const Sample& sample, SimulatedSystem& system);

  const LoadSpec& spec_;
  const RateCurve rate_;
  const Instant started_;
  long double arrived_ = 0;  // of a process with one arrival a unit of time
  Instant next_due_;
  std::optional<Users> users_;   // of a closed loop
  std::uint64_t simulated_ = 0;  // of them
  std::optional<Instant> until_;
  Random random_;
  bool ended_ = false;
  std::vector<Sample> samples_;
  int swallowed_ = 0, corrupted_ = 0;
};

}  // namespace gameday
