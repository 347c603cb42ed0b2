#include <algorithm>

#include "engine/load/summary.h"

namespace gameday {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// For each sample, the next bad one after it, or kNone.
std::vector<std::size_t> next_bad_of(std::span<const Sample> samples) {
  std::vector<std::size_t> next(samples.size(), kNone);
  for (std::size_t i = samples.size(); i-- > 1;) {
    next[i - 1] = samples[i].good() ? next[i] : i;
  }
  return next;
}

class Finder {
 public:
  Finder(std::span<const Sample> samples, Duration hold)
      : samples_(samples), hold_(hold), next_bad_(next_bad_of(samples)) {}

  // The outage whose first bad sample is `first_bad`; `at` becomes the index of the first sustained
  // good, or the number of samples.
  Outage from(std::size_t first_bad, std::size_t& at) const {
    Outage found;
    found.from = samples_[first_bad > 0 ? first_bad - 1 : first_bad].due;
    std::size_t last_bad = first_bad;
    for (at = first_bad; at < samples_.size() && !sustained(at); ++at) {
      if (!samples_[at].good()) last_bad = at;
    }
    if (at < samples_.size()) found.to = samples_[at].end;
    found.lo =
        std::max(Duration::zero(), Duration(samples_[last_bad].due - samples_[first_bad].end));
    found.hi = found.to.value_or(last_end()) - found.from;
    return found;
  }

 private:
  bool sustained(std::size_t i) const {
    if (!samples_[i].good()) return false;
    const Instant held = samples_[i].due + hold_;
    if (samples_.back().due < held) return false;
    return next_bad_[i] == kNone || samples_[next_bad_[i]].due > held;
  }

  Instant last_end() const {
    return std::ranges::max_element(samples_, {}, [](const Sample& s) { return s.end; })->end;
  }

  std::span<const Sample> samples_;
  Duration hold_;
  std::vector<std::size_t> next_bad_;
};

std::vector<std::string> blamed(const Outage& outage, Instant first_bad_end, Duration hold,
                                std::span<const FaultSpan> faults) {
  std::vector<std::string> names;
  for (const FaultSpan& fault : faults) {
    const bool begun = fault.injected <= first_bad_end;
    const bool over = fault.reverted && outage.from - *fault.reverted >= hold;
    // With no hold at all, a fault reverted at `from` itself is already over.
    if (begun && !over) names.push_back(fault.id);
  }
  return names;
}

}  // namespace

std::vector<Outage> outages_in(std::span<const Sample> samples, Duration hold,
                               std::span<const FaultSpan> faults) {
  std::vector<Outage> outages;
  const Finder finder(samples, hold);
  std::size_t at = 0;
  while (at < samples.size()) {
    if (samples[at].good()) {
      ++at;
      continue;
    }
    const Instant first_bad_end = samples[at].end;
    outages.push_back(finder.from(at, at));
    outages.back().faults = blamed(outages.back(), first_bad_end, hold, faults);
  }
  return outages;
}

}  // namespace gameday
