// Durations counted in log-linear buckets: 128 to each power of two, so a quantile is at most 0.8 %
// too high and never too low. Two histograms are merged by addition; no sample is kept.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"

namespace gameday {

class Histogram {
 public:
  void add(Duration value);  // one below zero counts as zero
  Histogram& operator+=(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Duration max() const { return max_; }  // exact
  // The value of rank ceil(q * count), as the highest value of its bucket; zero of an empty one.
  [[nodiscard]] Duration quantile(double q) const;

  // {"count", "max_ns", "buckets": [[bucket, count], ...]}, only buckets that are not empty.
  [[nodiscard]] Json to_json() const;
  [[nodiscard]] static Result<Histogram> from_json(const Json& json);

  bool operator==(const Histogram&) const = default;

 private:
  std::vector<std::uint64_t> buckets_;  // as long as the highest one needs
  std::uint64_t count_ = 0;
  Duration max_{};
};

}  // namespace gameday
