#include "engine/sim/simulated_load.h"

#include <algorithm>
#include <cmath>

#include "engine/load/summary.h"
#include "engine/sim/simulated_system.h"

namespace gameday {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

double quantile_of(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double rank = std::ceil(q * static_cast<double>(values.size()));
  return values[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

}  // namespace

double simulated_rate(const LoadSpec& spec) {
  if (!spec.carried) return spec.rate;
  return static_cast<double>(std::max<std::int64_t>(1, spec.arguments.integer("users", 1)));
}

void SimulatedLoad::run_to(Instant at, SimulatedSystem& system) {
  while (!ended_ && next_due_ <= at) {
    send(system);
    const double mean = 1.0 / rate_;
    const bool poisson = spec_.arrivals == Arrivals::poisson;
    next_due_ += from_seconds(poisson ? random_.exponential(mean) : mean);
  }
}

void SimulatedLoad::send(SimulatedSystem& system) {
  Sample sample;
  sample.seq = samples_.size();
  sample.due = next_due_;
  const Duration lag = system.lags(sample.due) ? milliseconds(10) + milliseconds(random_.below(300))
                                               : microseconds(random_.below(400));
  // A closed loop has no plan that it could be late for.
  sample.sent = sample.due + (spec_.carried ? Duration{} : lag);
  const double served = 0.002 + random_.exponential(0.003);
  if (system.serves(sample.due)) {
    sample.end = sample.sent + std::min(from_seconds(served * system.slowness(sample.due)),
                                        Duration(spec_.timeout - microseconds(1)));
    sample.outcome = SampleOutcome::ok;
    sample.status = 200;
  } else if (random_.chance(0.5)) {
    sample.end = sample.sent + from_seconds(served);
    sample.outcome = SampleOutcome::refused;
    sample.status = 503;
  } else {
    const bool arrived = random_.chance(0.6);
    sample.end = sample.sent + spec_.timeout;
    sample.outcome = arrived ? SampleOutcome::unknown : SampleOutcome::not_sent;
  }
  samples_.push_back(sample);
  accepted(sample, system);
}

// What was answered was taken; of what was not answered, some was taken too.
void SimulatedLoad::accepted(const Sample& sample, SimulatedSystem& system) {
  if (!spec_.ledger) return;
  const bool unanswered = sample.outcome == SampleOutcome::unknown && random_.chance(0.4);
  if (!sample.good() && !unanswered) return;
  Write write{spec_.name, sample.seq, sample.good(), false, false};
  const Failures& failures = system.failures();
  if (corrupted_ < failures.corrupts_writes && random_.chance(0.3)) {
    write.corrupt = true;
    ++corrupted_;
  }
  if (swallowed_ < failures.loses_writes && random_.chance(0.3)) {
    write.swallowed = true;
    ++swallowed_;
  }
  system.store().accept(write, sample.end + milliseconds(5) + milliseconds(random_.below(45)));
}

Json SimulatedLoad::window(Instant from) const {
  std::uint64_t due = 0, sent = 0, ok = 0;
  std::vector<double> latencies, lags;
  for (auto sample = samples_.rbegin(); sample != samples_.rend() && sample->due >= from;
       ++sample) {
    if (sample->due >= from + std::chrono::seconds(1)) continue;
    ++due;
    sent += sample->outcome != SampleOutcome::not_sent;
    ok += sample->good();
    latencies.push_back(seconds(sample->latency()));
    lags.push_back(seconds(sample->send_lag()));
  }
  const double lag = quantile_of(lags, 0.99);
  return Json::object({{"load", spec_.name},
                       {"from_ns", from.time_since_epoch().count()},
                       {"due", due},
                       {"sent", sent},
                       {"ok", ok},
                       {"errors", due - ok},
                       {"p50_s", quantile_of(latencies, 0.5)},
                       {"p99_s", quantile_of(latencies, 0.99)},
                       {"send_lag_p99_s", lag},
                       {"marked", lag > seconds(longest_send_lag(rate_))}});
}

}  // namespace gameday
