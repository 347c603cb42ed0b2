#include "engine/load/summary.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/load/phases.h"

namespace gameday {
namespace {

constexpr Duration kWindow = std::chrono::seconds(1);

// The value of rank ceil(q * n), in seconds; reorders `values`, of which there is one at least.
double quantile(std::vector<Duration>& values, double q) {
  const double wanted = std::ceil(q * static_cast<double>(values.size()));
  const auto rank = std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, values.size());
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::ranges::nth_element(values, nth);
  return seconds(*nth);
}

Quantiles quantiles(std::vector<Duration>& values) {
  if (values.empty()) return {};
  return {quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99),
          quantile(values, 0.999), seconds(std::ranges::max(values))};
}

// The windows of one second, and which of them were spoilt by our own lateness.
class Windows {
 public:
  Windows(std::span<const Sample> samples, const LoadWindow& window)
      : started_(window.started.value_or(samples.front().due)) {
    const RateCurve rate = rate_of(samples, window);
    std::vector<Duration> lags;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      lags.push_back(samples[i].send_lag());
      const std::int64_t here = number(samples[i]);
      if (i + 1 < samples.size() && number(samples[i + 1]) == here) continue;
      const Duration from = kWindow * here;
      const Duration longest = longest_send_lag(rate.highest(from, from + kWindow));
      if (quantile(lags, 0.99) > seconds(longest)) marked_.push_back(here);
      lags.clear();
    }
    for (const Instant jump : window.clock_jumps) {
      const std::int64_t seen = (jump - started_) / kWindow;
      marked_.insert(marked_.end(), {seen - 1, seen});
    }
    std::ranges::sort(marked_);
  }

  [[nodiscard]] std::int64_t number(const Sample& sample) const {
    return (sample.due - started_) / kWindow;
  }
  [[nodiscard]] bool marked(std::int64_t window) const {
    return std::ranges::binary_search(marked_, window);
  }

 private:
  static RateCurve rate_of(std::span<const Sample> samples, const LoadWindow& window) {
    const Duration length = samples.back().due - samples.front().due;
    if (window.rate) return *window.rate;
    if (length <= Duration::zero()) return 1;
    return static_cast<double>(samples.size() - 1) / seconds(length);
  }

  Instant started_;
  std::vector<std::int64_t> marked_;  // ascending
};

// What is gathered of one phase while the samples are gone through in order of due time.
class Gathered {
 public:
  explicit Gathered(const LoadWindow& window) : window_(window) {
    for (const std::string& name : window.requests) summary_.requests.push_back({name});
  }

  void add(const Sample& sample, std::int64_t window, bool marked) {
    if (sample.failed > 0) ++failed_[sample.failed];
    if (!summary_.requests.empty()) {
      RequestCount& of = summary_.requests[window_.request_of(sample.seq)];
      ++of.due;
      of.sent += sample.outcome != SampleOutcome::not_sent;
      of.ok += sample.good();
      of.errors += !sample.good();
    }
    ++summary_.due;
    summary_.sent += sample.outcome != SampleOutcome::not_sent;
    summary_.ok += sample.good();
    summary_.errors += !sample.good();
    summary_.late += sample.send_lag() > kOnTime;
    lags_.push_back(sample.send_lag());
    waited_ += sample.latency();
    longest_ = std::max(longest_, sample.latency());
    if (!marked) latencies_.push_back(sample.latency());
    if (last_window_ != window) {
      ++summary_.windows;
      summary_.marked += marked;
    }
    last_window_ = window;
  }

  [[nodiscard]] PhaseSummary summed(std::string name, Duration length) {
    summary_.phase = std::move(name);
    if (length > Duration::zero()) {
      summary_.rate = static_cast<double>(summary_.due) / seconds(length);
    }
    summary_.latency_s = quantiles(latencies_);
    if (!lags_.empty()) summary_.send_lag_p99_s = quantile(lags_, 0.99);
    summary_.valid = offered_as_planned(summary_);
    add_failed();
    return summary_;
  }

  // Its users' time, and how much of that they waited; how long they did where the answer did not
  // come in time is not known, nor what they would have sent before all were there.
  void hold_back(PhaseSummary& summed, Duration length, const LoadWindow& window) const {
    const ClosedTerms& closed = *window.closed;
    const Duration ramp =
        closed.full ? std::max(Duration{}, *closed.full - window.first_step) : Duration::max();
    const double had = length > ramp ? closed.users * seconds(length - ramp) : 0;
    const bool known = had > 0 && longest_ < closed.timeout;
    summed.held_back = known ? std::min(1.0, seconds(waited_) / had) : 1;
  }

 private:
  void add_failed() {
    if (window_.checks.empty()) return;
    auto& listed = summary_.failed_checks.emplace();
    for (const auto& [number, times] : failed_) {
      listed.push_back({window_.checks.at(number - 1U), times});
    }
  }

  const LoadWindow& window_;
  PhaseSummary summary_;
  std::map<std::uint16_t, std::uint64_t> failed_;  // by the number of the check
  Duration waited_{}, longest_{};
  std::vector<Duration> lags_, latencies_;
  std::optional<std::int64_t> last_window_;
};

// A good request shows that the system answered at some moment between its due time and its end.
// The longest time without such a moment that ends after `from`; where a bad one lies in it, the
// outages tell of it.
Duration longest_gap(std::span<const Sample> samples, Instant began, Instant from, Instant until) {
  Duration longest{};
  // By then the system has answered once more, or the load is over; none: a bad one comes first.
  std::optional<Instant> next = until;
  const auto gap_since = [&](Instant since) {
    if (next && *next > from) longest = std::max(longest, Duration(*next - since));
  };
  for (std::size_t i = samples.size(); i-- > 0;) {
    const Sample& sample = samples[i];
    if (sample.good()) gap_since(sample.due);
    next =
        sample.good() ? std::min(next.value_or(sample.end), sample.end) : std::optional<Instant>();
  }
  gap_since(began);
  return longest;
}

std::optional<UsersSummary> users_of(std::span<const Sample> samples,
                                     std::span<const FaultSpan> faults, const LoadWindow& window,
                                     Instant started) {
  if (!window.users) return std::nullopt;
  Instant first_fault = Instant::max();
  for (const FaultSpan& fault : faults) first_fault = std::min(first_fault, fault.injected);
  if (faults.empty()) first_fault = window.first_step;
  return UsersSummary{window.users->users, window.users->spawned,
                      longest_gap(samples, started, first_fault, window.users->until)};
}

}  // namespace

void mark_invalid(LoadSummary& summary, const std::string& why) {
  if (why.empty()) return;
  summary.invalid = why;
  for (auto& phase : summary.phases) phase.valid = false;
}

Duration longest_send_lag(double rate) {
  return rate < 1000 ? std::chrono::milliseconds(5) : std::chrono::milliseconds(2);
}

bool offered_as_planned(const PhaseSummary& phase) {
  return phase.late * 20 <= phase.due && phase.marked * 20 <= phase.windows;
}

const PhaseSummary* LoadSummary::phase(std::string_view name) const {
  const auto found = std::ranges::find(phases, name, &PhaseSummary::phase);
  return found != phases.end() ? &*found : nullptr;
}

LoadSummary summarise(const std::string& load, std::span<const Sample> samples, Duration hold,
                      std::span<const FaultSpan> faults, const LoadWindow& window) {
  LoadSummary summary;
  summary.load = load;
  summary.closed = window.closed.has_value();
  summary.started =
      window.started.value_or(samples.empty() ? window.first_step : samples.front().due);
  summary.ended = window.end;
  summary.clock_jumps = window.clock_jumps.size();
  summary.outages = outages_in(samples, hold, faults);
  summary.users = users_of(samples, faults, window, summary.started);
  const Phases phases(faults, summary.outages, window);
  std::vector<Gathered> gathered(phases.count(), Gathered(window));
  if (!samples.empty()) {
    const Windows windows(samples, window);
    for (const Sample& sample : samples) {
      const std::int64_t number = windows.number(sample);
      if (const auto phase = phases.of(sample)) {
        gathered[*phase].add(sample, number, windows.marked(number));
      }
    }
  }
  const auto lengths = phases.lengths();
  for (const std::size_t phase : phases.listed()) {
    auto summed = gathered[phase].summed(phases.name(phase), lengths[phase]);
    if (window.closed) gathered[phase].hold_back(summed, lengths[phase], window);
    if (phase == Phases::kSteady || summed.due > 0) summary.phases.push_back(std::move(summed));
  }
  return summary;
}

}  // namespace gameday
