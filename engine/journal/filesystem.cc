#include "engine/journal/filesystem.h"

namespace gameday {

Status fit_for_store(const std::string& folder, const Filesystem& filesystem) {
  if (const std::string network = network_name(filesystem); !network.empty()) {
    return fail(ErrorCode::refused,
                folder + " is on a network filesystem (" + network +
                    "), where SQLite's locks cannot be relied on",
                "put the store on a disk of this machine: --store FILE");
  }
  if (filesystem.read_only) {
    return fail(ErrorCode::refused, folder + " is on a read-only filesystem",
                "put the store where it can be written: --store FILE");
  }
  return {};
}

}  // namespace gameday
