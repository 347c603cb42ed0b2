#include "engine/load/request_mix.h"

#include <algorithm>

#include "engine/load/chance.h"

namespace gameday {

RequestMix::RequestMix(const LoadSpec& load, std::uint64_t seed)
    : chance_(bits_of("mix:" + load.name + ":" + std::to_string(seed))) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < load.mix.size(); ++i) {
    const WeightedRequest& one = load.mix[i];
    names_.push_back(one.name);
    up_to_.push_back(sum += static_cast<std::uint64_t>(one.weight));
    if (load.ledger && !only_reads(one.request.method)) writer_ = i;
  }
}

std::size_t RequestMix::of(std::uint64_t seq) const {
  if (up_to_.size() < 2) return 0;
  const std::uint64_t drawn = mixed(chance_ + seq) % up_to_.back();
  return static_cast<std::size_t>(std::ranges::upper_bound(up_to_, drawn) - up_to_.begin());
}

double RequestMix::writing_share() const {
  if (!writer_) return 1;
  const std::uint64_t below = *writer_ == 0 ? 0 : up_to_[*writer_ - 1];
  return static_cast<double>(up_to_[*writer_] - below) / static_cast<double>(up_to_.back());
}

void count_by_request(const LoadSpec& load, std::uint64_t seed, LoadWindow& window) {
  if (load.mix.empty()) return;
  RequestMix mix(load, seed);
  window.requests = mix.names();
  window.request_of = [mix = std::move(mix)](std::uint64_t seq) { return mix.of(seq); };
}

std::vector<LoadRequest> requests_of(const LoadSpec& load) {
  if (load.mix.empty()) return {load.request};
  std::vector<LoadRequest> all;
  for (const auto& one : load.mix) all.push_back(one.request);
  return all;
}

std::optional<PlainHttp> plain_http(const LoadSpec& load) {
  std::optional<PlainHttp> first;
  for (const LoadRequest& request : requests_of(load)) {
    auto to = plain_http(request);
    if (!to || (first && first->authority != to->authority)) return std::nullopt;
    if (!first) first = std::move(to);
  }
  return first;
}

}  // namespace gameday
