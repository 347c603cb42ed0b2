// What restores of every kind of database say of a copy that was compared with its backup.
#pragma once

#include <cstdint>

#include "engine/rows.h"

namespace gameday {

// A copy with as many rows, whose content is the backup's; `facts` tell of that content.
[[nodiscard]] Restored restored(std::int64_t rows, Json facts, const BackupTaken& backup,
                                const Clock& clock);

}  // namespace gameday
