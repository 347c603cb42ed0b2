// The backups that a drill itself took: they lie in its private folder, each with a name of its
// own, and go with the drill, but for those whose step says `keep`.
#pragma once

#include <string>

#include "engine/rows.h"

namespace gameday {

[[nodiscard]] std::string own_backups_of(const std::string& private_folder);
// Whether a backup's id names one of them: it may be another program's.
[[nodiscard]] bool is_own_backup(const std::string& id, const std::string& private_folder);
[[nodiscard]] Status keep_own_backup(const std::string& id, const Files& files);

// Whether there is something that is not to stay: whole or not, with whatever was made beside it.
[[nodiscard]] bool has_own_backups(const std::string& private_folder);
// Removes that, by `until`; a drill without any is no error.
[[nodiscard]] Status erase_own_backups(const std::string& private_folder, const Clock& clock,
                                       const Until& until);

}  // namespace gameday
