#include "engine/load/phases.h"

#include <algorithm>
#include <numeric>

namespace gameday {

Phases::Phases(std::span<const FaultSpan> faults, std::span<const Outage> outages,
               const LoadWindow& window)
    : faults_(faults), outages_(outages), window_(window) {}

std::string Phases::name(std::size_t phase) const {
  return phase == kSteady ? "steady" : faults_[phase - 1].id;
}

std::vector<std::size_t> Phases::listed() const {
  std::vector<std::size_t> order(faults_.size());
  std::iota(order.begin(), order.end(), std::size_t{1});
  std::ranges::stable_sort(order, {}, [&](std::size_t p) { return faults_[p - 1].injected; });
  order.insert(order.begin(), kSteady);
  return order;
}

std::optional<std::size_t> Phases::newest_open(Instant at) const {
  std::optional<std::size_t> newest;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const bool open =
        faults_[i].injected <= at && (!faults_[i].reverted || at < faults_[i].reverted);
    if (open && (!newest || faults_[i].injected >= faults_[*newest - 1].injected)) newest = i + 1;
  }
  return newest;
}

std::size_t Phases::of_outage(const Outage& outage) const {
  std::size_t newest = kSteady;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const bool blamed = std::ranges::find(outage.faults, faults_[i].id) != outage.faults.end();
    if (blamed && (newest == kSteady || faults_[i].injected >= faults_[newest - 1].injected)) {
      newest = i + 1;
    }
  }
  return newest;
}

const Outage* Phases::outage_at(Instant due, bool bad) const {
  // The last good before an outage bears its first moment, but is not part of it.
  const auto runs = [&](const Outage& o) {
    return bad ? o.from <= due && (!o.to || due <= o.to) : o.from < due && (!o.to || due < o.to);
  };
  auto next = std::ranges::upper_bound(outages_, due, {}, &Outage::from);
  // An outage ends with the answer of a good that the next one may begin at, so two can touch.
  for (int looked = 0; looked < 2 && next != outages_.begin(); ++looked) {
    if (runs(*--next)) return &*next;
  }
  return nullptr;
}

std::size_t Phases::at(Instant due, bool bad) const {
  if (const auto open = newest_open(due)) return *open;
  const Outage* outage = outage_at(due, bad);
  return outage != nullptr ? of_outage(*outage) : kSteady;
}

std::optional<std::size_t> Phases::of(const Sample& sample) const {
  if (sample.due < window_.first_step || sample.due > window_.end) return std::nullopt;
  return at(sample.due, !sample.good());
}

std::vector<Duration> Phases::lengths() const {
  std::vector<Instant> edges = {window_.first_step, window_.end};
  const auto add = [&](Instant edge) {
    if (window_.first_step < edge && edge < window_.end) edges.push_back(edge);
  };
  for (const FaultSpan& fault : faults_) {
    add(fault.injected);
    if (fault.reverted) add(*fault.reverted);
  }
  for (const Outage& outage : outages_) {
    add(outage.from);
    if (outage.to) add(*outage.to);
  }
  std::ranges::sort(edges);
  std::vector<Duration> lengths(count());
  for (std::size_t i = 1; i < edges.size(); ++i) {
    const Duration length = edges[i] - edges[i - 1];
    if (length > Duration::zero()) lengths[at(edges[i - 1] + length / 2, false)] += length;
  }
  return lengths;
}

}  // namespace gameday
