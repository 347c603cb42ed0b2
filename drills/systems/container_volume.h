// A container's own volume, as it is on this machine.
#pragma once

#include <string>

#include "drills/systems/container_held.h"
#include "drills/systems/disk.h"

namespace gameday {

// The folder of what is mounted at `path` in it. refused: there is no volume, it cannot be written
// to, or it cannot be seen from here.
[[nodiscard]] Result<std::string> folder_of_volume(const HeldContainer& held, const Container& now,
                                                   const std::string& path);
// Whether a disk holds the engine's own files or this machine's, and so is not a container's alone.
[[nodiscard]] Result<bool> is_shared_disk(const Disk& disk, const DockerEngine& engine,
                                          const DeedContext& context);

}  // namespace gameday
