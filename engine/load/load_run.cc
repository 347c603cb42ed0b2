#include "engine/load/load_run.h"

#include <algorithm>

namespace gameday {
namespace {

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr std::size_t kHeldBack = 2;

Quantiles quantiles_of(const Histogram& histogram) {
  const auto at = [&](double q) { return seconds(histogram.quantile(q)); };
  return {at(0.5), at(0.9), at(0.99), at(0.999), seconds(histogram.max())};
}

}  // namespace

void ErrorKinds::add(const Sample& sample, Duration timeout, bool gave_up) {
  switch (sample.outcome) {
    case SampleOutcome::ok: return;
    case SampleOutcome::refused:
    case SampleOutcome::wrong: ++by_status[sample.status]; return;
    case SampleOutcome::unknown:
      ++(gave_up ? given_up : sample.latency() >= timeout ? timed_out : cut);
      return;
    case SampleOutcome::not_sent: ++(sample.sent == sample.end ? not_sent : connect); return;
  }
}

std::uint64_t ErrorKinds::all() const {
  std::uint64_t all = connect + timed_out + cut + not_sent + given_up;
  for (const auto& [status, count] : by_status) all += count;
  return all;
}

LoadSummary LoadRun::summary(const std::string& name) const {
  PhaseSummary phase;
  phase.phase = "steady";
  phase.due = std::max(due, planned.value_or(0));
  phase.sent = sent;
  phase.ok = ok;
  phase.errors = phase.due - ok;
  phase.late = late + (phase.due - due);
  if (length > Duration::zero())
    phase.rate = static_cast<double>(phase.due) / gameday::seconds(length);
  phase.latency_s = quantiles_of(response);
  phase.send_lag_p99_s = gameday::seconds(send_lag.quantile(0.99));
  phase.windows = seconds.size();
  phase.marked = marked;
  phase.valid = offered_as_planned(phase);
  LoadSummary summary;
  summary.load = name;
  summary.carried = {carried.by.name, carried.by.why, gameday::seconds(carried.cpu)};
  summary.started = started.boot;
  summary.ended = started.boot + length;
  summary.clock_jumps = clock_jumps;
  summary.phases.push_back(std::move(phase));
  return summary;
}

void RunGatherer::add(WindowCount window, std::vector<Instant> jumps_so_far) {
  jumps_ = std::move(jumps_so_far);
  open_.push_back(std::move(window));
  if (open_.size() > kHeldBack) settle_first();
}

void RunGatherer::finish(LoadRun& run, std::vector<Instant> jumps) {
  jumps_ = std::move(jumps);
  while (!open_.empty()) settle_first();
  run.due = run_.due;
  run.sent = run_.sent;
  run.ok = run_.ok;
  run.response = std::move(run_.response);
  run.service = std::move(run_.service);
  run.send_lag = std::move(run_.send_lag);
  run.seconds = std::move(run_.seconds);
  run.marked = run_.marked;
  run.clock_jumps = jumps_.size();
}

void RunGatherer::settle_first() {
  const WindowCount window = std::move(open_.front());
  open_.pop_front();
  const bool jumped = std::ranges::any_of(jumps_, [&](Instant jump) {
    return jump >= window.from && jump < window.from + 2 * kSecond;
  });
  RunSecond second{seconds(window.from - started_),
                   window.due,
                   window.sent,
                   window.ok,
                   window.errors,
                   window.p50_s,
                   window.p99_s,
                   0,
                   window.send_lag_p99_s,
                   window.marked || jumped};
  second.max_s = seconds(window.response.max());
  run_.due += window.due;
  run_.sent += window.sent;
  run_.ok += window.ok;
  run_.send_lag += window.send_lag;
  if (!second.marked) {
    run_.response += window.response;
    run_.service += window.service;
  }
  run_.marked += second.marked;
  run_.seconds.push_back(second);
  if (each_) each_(second, window.response);
}

}  // namespace gameday
