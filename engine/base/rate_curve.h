// How often something is due, as it changes over time: one rate, or stages one after another. Pure;
// times and counts follow from each other by the integral of the rate, so no rounding adds up.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/base/time.h"

namespace gameday {

// From one rate straight to another, or a sine around one. Rates are per second, and over 0 at any
// time.
struct RateStage {
  double from = 0, to = 0;  // the same for a step, and for a sine, which swings around them
  double swing = 0;         // of a sine: how far above and below it goes, which is less than `from`
  Duration period{};        // of a sine
  Duration length{};        // over 0
};

class RateCurve {
 public:
  RateCurve(double rate);  // that one, over 0, without an end
  // One at least. The rate with which the last one ends goes on without an end.
  explicit RateCurve(const std::vector<RateStage>& stages);

  // `since`: since the beginning.
  [[nodiscard]] double at(Duration since) const;
  [[nodiscard]] long double count(Duration since) const;  // how many are due before then
  [[nodiscard]] Duration when(long double count) const;   // when so many have become due

  [[nodiscard]] double highest() const;
  [[nodiscard]] double lowest() const;
  [[nodiscard]] double highest(Duration from, Duration to) const;
  [[nodiscard]] double lowest(Duration from, Duration to) const;
  [[nodiscard]] RateCurve scaled(double factor) const;  // over 0

 private:
  struct Piece {
    RateStage stage;
    Duration start{};
    long double before = 0;  // how many are due until its start
  };
  void append(const RateStage& stage);
  [[nodiscard]] const Piece& piece_at(Duration since) const;
  [[nodiscard]] std::vector<double> extremes(Duration from, Duration to) const;

  std::vector<Piece> pieces_;  // the last one has no end
};

}  // namespace gameday
