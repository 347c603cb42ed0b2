#include "drills/systems/waiting.h"

#include <algorithm>

namespace gameday {

Status wait_until_it(const std::function<Result<bool>()>& shows, const DeedContext& context,
                     Duration at_most) {
  const Clock& clock = context.doors.clock;
  const Instant enough = clock.in(at_most);
  const Until looking{context.until.stop, std::min(context.until.deadline, enough)};
  while (true) {
    TRY(shown, shows());
    if (shown) return {};
    if (const auto paused = clock.pause(std::chrono::milliseconds(10), looking); !paused) {
      return paused.error().code == ErrorCode::timed_out ? Status{} : paused;
    }
  }
}

}  // namespace gameday
