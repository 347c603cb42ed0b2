#include "drills/systems/connection_holder.h"

#include <sys/resource.h>

#include <algorithm>

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(50);
constexpr Duration kPatience = std::chrono::seconds(2);

void bound_ourselves(std::int64_t count) {
  constexpr rlim_t kOwn = 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(count) + kOwn);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::string holder_name(const std::string& mark) { return session_name(mark) + " holds"; }

Status start_holder(const HeldConnections& held, const DeedContext& context) {
  TRY(child, connection_for_child(held.settings, context));
  const StressorOrder order{{"--connections", std::to_string(held.count), "--connect",
                             child.conninfo, "--mark", held.mark},
                            child.environment};
  return start_stressor(order, held.lease, held.mark, context.doors);
}

int run_holder(std::int64_t count, const std::string& conninfo, const std::string& mark,
               const std::string& lease, pid_t runner) {
  const SystemClock clock;
  const auto processes = make_processes(clock);
  const StressorLease living(lease, runner, *processes);
  const auto settings = postgres_settings_of(conninfo);
  if (!settings) return 1;
  bound_ourselves(count);
  std::vector<Postgres> held;
  while (living.lasts(clock)) {
    const bool wants = static_cast<std::int64_t>(held.size()) < count;
    if (wants) {
      auto one = Postgres::open(*settings, clock, {Stop(), clock.in(kPatience)},
                                {.name = holder_name(mark), .observer = {}});
      if (one) {
        held.push_back(std::move(*one));
        continue;
      }
    }
    (void)clock.sleep({Stop(), clock.in(kLook)});
  }
  return 0;
}

}  // namespace gameday
