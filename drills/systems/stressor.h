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
// The same of one that is told what to take by arguments, and by more environment.
struct StressorOrder {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=value
};
[[nodiscard]] Status start_stressor(const StressorOrder& order, const std::string& lease,
                                    const std::string& mark, const Doors& doors);
// Ends those of this lease and mark, whose lease goes first: without it one that is only now coming
// up takes nothing.
[[nodiscard]] Status end_stressors(const std::string& lease, const std::string& mark,
                                   const DeedContext& context);
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

// What a stressor lives by.
class StressorLease {
 public:
  StressorLease(std::string path, pid_t runner, const Processes& processes);
  // A lease that cannot be read has ended: whoever undoes removes it.
  [[nodiscard]] bool lasts(const Clock& clock) const;

 private:
  std::string path_;
  const Processes& processes_;
  ProcessId runner_;
};

// The stressor itself; returns when its time is over, or an exit code for what it could not take.
int run_stressor(const Stress& stress, const std::string& lease, pid_t runner);

}  // namespace gameday
