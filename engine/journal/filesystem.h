// Whether a folder is a place where a store can live: on this machine's own disk, and writable. It
// looks and changes nothing.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/sys/filesystem.h"

namespace gameday {

// `refused` on network filesystems, where locks and shared memory do not hold what a WAL needs, and
// on read-only ones. FUSE is refused only where its type is known to be a network's.
[[nodiscard]] Status fit_for_store(const std::string& folder, const Filesystem& filesystem);

}  // namespace gameday
