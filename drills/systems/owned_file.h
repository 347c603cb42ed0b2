// A small file of the system's that is written as a whole, and keeps its owner and its mode.
#pragma once

#include <sys/types.h>

#include <string>

#include "engine/rows.h"

namespace gameday {

struct OwnedFile {
  std::string path;  // without symbolic links
  std::string bytes;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
[[nodiscard]] Result<OwnedFile> owned_file_at(const std::string& path, const Doors& doors);

// Whether `put_file` could do so, one way or the other; touches nothing.
[[nodiscard]] Status may_put_file(const OwnedFile& file);

// At once, by a new file with that name; in place where there is more than one way to the file,
// which would then lead to the old one: something is mounted on it, or it has another name. What
// may be left of it in between has `mark` in its name.
[[nodiscard]] Status put_file(const OwnedFile& file, const std::string& mark, const Doors& doors);

// What is left where `put_file` did not come to its end.
[[nodiscard]] Status remove_half_put(const std::string& path, const std::string& mark,
                                     const Doors& doors);

}  // namespace gameday
