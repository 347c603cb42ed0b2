// A container whose memory is held to what it has and a little more: what the fault that leaves it
// at the brink and the one that waits for the kernel to end it share. A limit has no mark: ours is
// known by its value, and another one than ours is somebody else's and newer.
#pragma once

#include "drills/systems/container_limits.h"

namespace gameday {

struct HeldMemory {
  HeldContainer held;
  ContainerLimits before;
  std::int64_t leave = 0;
  std::int64_t limit = 0;
  std::string since;  // by the engine's clock
};
[[nodiscard]] Result<HeldMemory> held_memory_in(const Undo& undo);

// Refuses a limit that would change nothing, or that no engine takes.
[[nodiscard]] Result<Undo> prepare_memory(std::string_view kind, std::int64_t leave,
                                          const Deed& deed, const DeedContext& context);
[[nodiscard]] Status hold_memory(const Undo& undo, const DeedContext& context);
// Puts the limits back, and starts it where the kernel ended it.
[[nodiscard]] Status free_memory(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> memory_freed(const Undo& undo, const DeedContext& context);

[[nodiscard]] bool holds_memory(const Container& now, const HeldMemory& memory);

}  // namespace gameday
