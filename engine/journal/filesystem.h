// Whether a folder is a place where a store can live: on this machine's own disk, and writable. It
// looks and changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

struct Filesystem {
  std::int64_t magic = 0;  // statfs(2)'s f_type
  std::string type;        // as in /proc/self/mountinfo: "ext4", "fuse.sshfs"; may be empty
  bool read_only = false;
};
[[nodiscard]] Result<Filesystem> filesystem_of(const std::string& folder);

// `refused` on network filesystems, where locks and shared memory do not hold what a WAL needs, and
// on read-only ones. FUSE is refused only where its type is known to be a network's.
[[nodiscard]] Status fit_for_store(const std::string& folder, const Filesystem& filesystem);

}  // namespace gameday
