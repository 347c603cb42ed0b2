// When each request of a load is due. Pure: constant arrivals follow from the index, Poisson
// arrivals from the seed, both through the curve of the rate; what has not been sent yet is a
// number, never a queue.
#pragma once

#include <cstdint>

#include "engine/base/random.h"
#include "engine/base/rate_curve.h"
#include "engine/base/time.h"
#include "engine/playbook/playbook.h"

namespace gameday {

struct Schedule {
  RateCurve rate = 1;
  Arrivals arrivals = Arrivals::constant;
  std::uint64_t seed = 0;
  Instant start;
};

class Scheduler {
 public:
  explicit Scheduler(Schedule schedule);

  [[nodiscard]] std::uint64_t index() const { return index_; }
  [[nodiscard]] Instant due() const { return due_; }  // of the request `index()`
  [[nodiscard]] double rate(Instant at) const { return schedule_.rate.at(at - schedule_.start); }
  void advance();

 private:
  void find_due();

  Schedule schedule_;
  Random random_;
  long double arrived_ = 0;  // of a Poisson process with one arrival a unit of time
  std::uint64_t index_ = 0;
  Instant due_;
};

}  // namespace gameday
