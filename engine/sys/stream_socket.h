// A connected stream socket that does not block, made so that it can be stopped.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

// By TCP; the first address of that name that takes us is the one.
[[nodiscard]] Result<Descriptor> connected_to_host(const std::string& host, int port,
                                                   const Clock& clock, const Until& until);
// To a Unix socket. `invalid`: its path is too long for the kernel.
[[nodiscard]] Result<Descriptor> connected_to_path(const std::string& path, const Clock& clock,
                                                   const Until& until);

}  // namespace gameday
