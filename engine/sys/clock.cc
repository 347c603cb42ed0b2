#include "engine/sys/clock.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>

namespace gameday {
namespace {

Duration read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return std::chrono::seconds(t.tv_sec) + Duration(t.tv_nsec);
}

}  // namespace

Duration thread_cpu_time() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

Now SystemClock::now() const {
  return {Instant(read_clock(CLOCK_BOOTTIME)), Utc(read_clock(CLOCK_REALTIME))};
}

Status SystemClock::sleep(const Until& until) const {
  const auto seen = wait_for(-1, 0, *this, until);
  if (!seen && seen.error().code == ErrorCode::timed_out) return {};
  return seen ? Status{} : std::unexpected(seen.error());
}

Status Clock::pause(Duration d, const Until& until) const {
  const Instant end = in(d);
  TRY_OK(sleep({until.stop, std::min(end, until.deadline)}));
  if (end > until.deadline) return fail(ErrorCode::timed_out, "the deadline passed");
  return {};
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

int poll_milliseconds(Instant now, Instant deadline) {
  if (deadline <= now) return 0;
  constexpr Duration kLongest = std::chrono::hours(1);
  const auto left = std::min<Duration>(deadline - now, kLongest);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

Result<short> wait_for(int descriptor, short events, const Clock& clock, const Until& until) {
  pollfd waits[2] = {{descriptor, events, 0}, {until.stop.descriptor(), POLLIN, 0}};
  while (true) {
    if (until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
    const Instant now = clock.now().boot;
    const int ready = poll(waits, 2, poll_milliseconds(now, until.deadline));
    if (ready < 0 && errno != EINTR) return std::unexpected(system_error(errno, "poll"));
    if (ready > 0 && waits[0].revents != 0) return waits[0].revents;
    if (ready <= 0 && clock.now().boot >= until.deadline) {
      return fail(ErrorCode::timed_out, "the deadline passed");
    }
  }
}

}  // namespace gameday
