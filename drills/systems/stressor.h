// A process that takes processor time, memory and descriptors away from a machine, and nothing
// else. It holds them only while its lease is renewed and its runner lives, so that none outlives
// the drill, whoever dies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/doors.h"

namespace gameday {

struct Stress {
  std::int64_t cores = 0;
  std::int64_t memory = 0;  // bytes
  std::int64_t descriptors = 0;
};

// How long a stressor goes on when nobody renews its lease.
inline constexpr Duration kStressLease = std::chrono::seconds(5);

// The lease is a file that says until when, by the boot-time clock. Renewing makes no new one.
[[nodiscard]] Status grant_lease(const std::string& path, const Doors& doors);
[[nodiscard]] Status renew_lease(const std::string& path, const Clock& clock);

// Starts one, with `mark` in its environment; it takes nothing before it has seen its lease.
[[nodiscard]] Status start_stressor(const Stress& stress, const std::string& lease,
                                    const std::string& mark, const Doors& doors);
// Those of this lease and mark that live.
[[nodiscard]] std::vector<ProcessId> stressors_of(const std::string& lease, const std::string& mark,
                                                  const Doors& doors);

// What they hold right now, and how long they have run.
struct Held {
  Duration ran{};
  std::int64_t memory = 0;
  std::int64_t descriptors = 0;
};
[[nodiscard]] Held held_by(const std::vector<ProcessId>& stressors, const Doors& doors);

// The stressor itself; returns when its time is over, or an exit code for what it could not take.
int run_stressor(const Stress& stress, const std::string& lease, pid_t runner);

}  // namespace gameday
