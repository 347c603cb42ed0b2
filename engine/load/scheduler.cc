#include "engine/load/scheduler.h"

#include <utility>

namespace gameday {

Scheduler::Scheduler(Schedule schedule) : schedule_(std::move(schedule)), random_(schedule_.seed) {
  find_due();
}

void Scheduler::advance() {
  ++index_;
  find_due();
}

void Scheduler::find_due() {
  const bool poisson = schedule_.arrivals == Arrivals::poisson;
  if (poisson) arrived_ += random_.exponential(1);
  // Counted from the start, not added up, so that no rounding error grows with the load.
  const long double count = poisson ? arrived_ : static_cast<long double>(index_);
  due_ = schedule_.start + schedule_.rate.when(count);
}

}  // namespace gameday
