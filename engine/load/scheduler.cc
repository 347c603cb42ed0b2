#include "engine/load/scheduler.h"

#include "engine/base/assert.h"

namespace gameday {

Scheduler::Scheduler(const Schedule& schedule) : schedule_(schedule), random_(schedule.seed) {
  GD_ASSERT(schedule.rate > 0);
  find_due();
}

void Scheduler::advance() {
  ++index_;
  find_due();
}

void Scheduler::find_due() {
  if (schedule_.arrivals == Arrivals::poisson) {
    poisson_s_ += random_.exponential(1 / schedule_.rate);
    due_ = schedule_.start + from_seconds(poisson_s_);
    return;
  }
  // Multiplied from the start, not added up, so that no rounding error grows with the load.
  const long double since = static_cast<long double>(index_) * 1e9L / schedule_.rate;
  due_ = schedule_.start + Duration(static_cast<Duration::rep>(since));
}

}  // namespace gameday
