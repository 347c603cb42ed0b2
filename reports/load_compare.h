// Whether two loads by themselves saw different things: an interval for each difference, and no
// word of equality. Pure, from their documents and a seed.
//
// Each run is what its seconds saw. A second is not independent of the one before, so whole blocks
// of seconds are drawn, with replacement (circular moving-block bootstrap, blocks of the cube root
// of their number), from each run by itself. The interval holds for all figures together at 95 %
// (Bonferroni). It assumes that each run was steady, without a trend, and says nothing about what
// else was different between the two: runs in turn (A B A B) tell that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"

namespace gameday {

inline constexpr std::size_t kLeastSeconds = 10;  // of each, that count

struct LoadDifference {
  std::string figure;    // "p99", "p50", "ok_rate", "errors"
  double a = 0, b = 0;   // seconds; a second; a share
  bool is_ratio = true;  // lo and hi are of b/a; else of b - a
  double lo = 0, hi = 0;
  bool shown = false;  // the interval leaves no difference, and what cannot be told, outside
};

struct LoadComparison {
  std::vector<LoadDifference> differences;
  std::size_t seconds_a = 0, seconds_b = 0;  // that counted
  std::vector<std::string> notes;            // what else is not the same
  std::uint64_t seed = 0;
  [[nodiscard]] bool differs() const;
};

// `invalid`, with the reason, where the two cannot be compared.
[[nodiscard]] Result<LoadComparison> compared_loads(const Json& a, const Json& b,
                                                    std::uint64_t seed);

[[nodiscard]] Json to_json(const LoadComparison& comparison);
[[nodiscard]] std::string text_of(const LoadComparison& comparison);

}  // namespace gameday
