// A filesystem whose room a deed's filler takes away, as an undo keeps it: what the fault that
// fills a folder's and the one that fills a container's volume share.
#pragma once

#include "drills/systems/disk.h"

namespace gameday {

// All that would be refused whatever happens until the step comes: a filesystem of others, one that
// we may not write to, `bytes` of memory that are not there and, where it is to be full afterwards,
// one that our store is on.
enum class Filled { up, in_part };
[[nodiscard]] Status may_fill(const std::string& folder, const Disk& disk, std::int64_t bytes,
                              Filled filled, const DeedContext& context);

// Until only `leave` is free or, where `size` is not 0, until the filler has that. Refuses what
// would fill nothing.
[[nodiscard]] Result<Undo> prepare_filling(std::string_view kind, const std::string& folder,
                                           std::int64_t leave, std::int64_t size, const Disk& disk,
                                           const DeedContext& context);
// These stand in the rows as they are.
[[nodiscard]] Status fill_disk(const Deed& deed, const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> disk_filled(const Deed& deed, const Undo& undo,
                                        const DeedContext& context);
[[nodiscard]] Status free_disk(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> disk_freed(const Undo& undo, const DeedContext& context);

}  // namespace gameday
