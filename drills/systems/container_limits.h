// How much processor time and memory a container may use, as its engine keeps it, and how much it
// does use, as its control group counts it.
#pragma once

#include "drills/systems/container_held.h"

namespace gameday {

struct ContainerLimits {
  // An engine takes the one or the others, whichever a container was made with; 0 or less: none.
  std::int64_t nano_cpus = 0;
  std::int64_t quota_us = 0, period_us = 0;
  // Bytes; 0 or less: none. `swap` is both together.
  std::int64_t memory = 0, swap = 0;
  std::int64_t reserved = 0;  // no lower limit of memory is taken
};
[[nodiscard]] ContainerLimits limits_of(const Container& container);
[[nodiscard]] Json to_json(const ContainerLimits& limits);
[[nodiscard]] ContainerLimits container_limits_from(const Json& value);

// Of one core, in the way that it was made with.
[[nodiscard]] ContainerLimits with_cores(ContainerLimits limits, double cores);
[[nodiscard]] double cores_of(const ContainerLimits& limits);  // 0: no limit
// Without swap: what is over is not written out.
[[nodiscard]] ContainerLimits with_memory(ContainerLimits limits, std::int64_t bytes);

[[nodiscard]] Status set_cores(const HeldContainer& held, const ContainerLimits& limits,
                               const DockerEngine& engine, const DeedContext& context);
// An engine has no word for "none" here: it is given the largest that there is, which the kernel
// takes for none, and shows that number from then on.
[[nodiscard]] Status set_memory(const HeldContainer& held, const ContainerLimits& limits,
                                const DockerEngine& engine, const DeedContext& context);

struct ContainerUse {
  double cores_s = 0;                       // processor time so far
  std::int64_t periods = 0, throttled = 0;  // of its quota, while it has one
  std::int64_t memory = 0;                  // that the kernel cannot take back: without caches
  std::int64_t limit = 0;                   // of memory, as its control group has it
};
[[nodiscard]] Result<ContainerUse> use_of(const HeldContainer& held, const DockerEngine& engine,
                                          const DeedContext& context);

// By the engine's own clock, as it wants to be asked what happened since: "1795719461.660658194".
[[nodiscard]] Result<std::string> time_of(const DockerEngine& engine, const DeedContext& context);
// How often the kernel was seen to end one of its processes since then because its memory was out.
[[nodiscard]] Result<std::int64_t> kills_since(const HeldContainer& held, const std::string& since,
                                               const DockerEngine& engine,
                                               const DeedContext& context);

// Starts one that the kernel ended so, and whose policy or engine does not. One that somebody else
// stopped stays as it is.
[[nodiscard]] Status start_after_kill(const HeldContainer& held, const DockerEngine& engine,
                                      const DeedContext& context);

}  // namespace gameday
