// What kind of filesystem a folder is on. It looks and changes nothing.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace gameday {

struct Filesystem {
  std::int64_t magic = 0;  // statfs(2)'s f_type
  std::string type;        // as in /proc/self/mountinfo: "ext4", "fuse.sshfs"; may be empty
  bool read_only = false;
};
[[nodiscard]] Result<Filesystem> filesystem_of(const std::string& folder);

// "NFS"; empty where it is none of a network. FUSE counts only where its type is known to be one.
[[nodiscard]] std::string network_name(const Filesystem& filesystem);

}  // namespace gameday
