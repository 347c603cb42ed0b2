#include "engine/sim/simulated_load.h"

#include <algorithm>
#include <cmath>

#include "engine/load/summary.h"
#include "engine/sim/simulated_system.h"

namespace gameday {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kWindow = std::chrono::seconds(1);

// Fewer users, who think longer, so that together they ask no more than so often.
UsersSpec simulated(UsersSpec spec, double most_rate) {
  const auto all = static_cast<double>(spec.users);
  spec.users = std::min(spec.users, static_cast<std::uint64_t>(std::ceil(most_rate)));
  const auto some = static_cast<double>(spec.users);
  spec.spawn_rate *= some / all;
  const double mean = seconds(spec.think_least + spec.think_most) / 2;
  const double wanted = std::max(some / most_rate, mean * some / all);
  if (mean == 0) {
    spec.think_least = spec.think_most = from_seconds(wanted);
  } else {
    spec.think_least = from_seconds(seconds(spec.think_least) * wanted / mean);
    spec.think_most = from_seconds(seconds(spec.think_most) * wanted / mean);
  }
  return spec;
}

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

SimulatedLoad::SimulatedLoad(const LoadSpec& spec, double most_rate, Instant started, Random random)
    : spec_(spec),
      rate_(spec.carried ? RateCurve(std::min(simulated_rate(spec), most_rate))
                         : spec.curve().scaled(std::min(1.0, most_rate / spec.rate))),
      started_(started),
      next_due_(started),
      random_(random) {
  if (!spec.users) return;
  const UsersSpec fewer = simulated(*spec.users, most_rate);
  simulated_ = fewer.users;
  users_.emplace(fewer, random_.next(), started);
}

void SimulatedLoad::run_to(Instant at, SimulatedSystem& system) {
  while (!ended_ && next_due() <= at) {
    if (users_) {
      const Instant due = next_due();
      const std::size_t user = users_->take();
      users_->answered(user, send(due, system));
      continue;
    }
    (void)send(next_due_, system);
    arrived_ += spec_.arrivals == Arrivals::poisson ? random_.exponential(1) : 1;
    next_due_ = started_ + rate_.when(arrived_);
  }
}

// In a rehearsal all that is asked is answered or given up at once: somebody is always due.
Instant SimulatedLoad::next_due() const {
  return users_ ? users_->next_due().value_or(Instant::max()) : next_due_;
}

void SimulatedLoad::end(Instant at) {
  ended_ = true;
  if (!until_) until_ = at;
}

std::optional<UsersRun> SimulatedLoad::users() const {
  if (!users_) return std::nullopt;
  const std::uint64_t all = spec_.users->users;
  const std::uint64_t spawned = users_->spawned() == simulated_ ? all : users_->spawned();
  return UsersRun{all, spawned, until_.value_or(Instant::max())};
}

Instant SimulatedLoad::send(Instant due, SimulatedSystem& system) {
  Sample sample;
  sample.seq = samples_.size();
  sample.due = due;
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
  return sample.end;
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
    if (sample->due >= from + kWindow) continue;
    ++due;
    sent += sample->outcome != SampleOutcome::not_sent;
    ok += sample->good();
    latencies.push_back(seconds(sample->latency()));
    lags.push_back(seconds(sample->send_lag()));
  }
  const double lag = quantile_of(lags, 0.99);
  const Duration since = from - started_;
  return Json::object(
      {{"load", spec_.name},
       {"from_ns", from.time_since_epoch().count()},
       {"due", due},
       {"sent", sent},
       {"ok", ok},
       {"errors", due - ok},
       {"p50_s", quantile_of(latencies, 0.5)},
       {"p99_s", quantile_of(latencies, 0.99)},
       {"send_lag_p99_s", lag},
       {"marked", lag > seconds(longest_send_lag(rate_.highest(since, since + kWindow)))}});
}

}  // namespace gameday
