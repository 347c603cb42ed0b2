// When each request of a load is due. Pure: constant arrivals follow from the index, Poisson
// arrivals from the seed; what has not been sent yet is a number, never a queue.
#pragma once

#include <cstdint>

#include "engine/base/random.h"
#include "engine/base/time.h"
#include "engine/playbook/playbook.h"

namespace gameday {

struct Schedule {
  double rate = 1;  // per second, over 0
  Arrivals arrivals = Arrivals::constant;
  std::uint64_t seed = 0;
  Instant start;
};

class Scheduler {
 public:
  explicit Scheduler(const Schedule& schedule);

  [[nodiscard]] std::uint64_t index() const { return index_; }
  [[nodiscard]] Instant due() const { return due_; }  // of the request `index()`
  void advance();

 private:
  void find_due();

  Schedule schedule_;
  Random random_;
  double poisson_s_ = 0;  // since the start
  std::uint64_t index_ = 0;
  Instant due_;
};

}  // namespace gameday
