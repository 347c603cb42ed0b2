// The inodes of a filesystem, and a folder of empty files that takes them away: it carries the mark
// of its deed in its name and in a file in it, so that nobody else's is ever taken for it.
#pragma once

#include <string>

#include "drills/systems/disk.h"

namespace gameday {

struct Inodes {
  std::int64_t total = 0;  // 0: it makes them as they are needed
  std::int64_t free = 0;   // for ordinary users
};
[[nodiscard]] Result<Inodes> inodes_of(const std::string& folder);

// How many a deed takes at most: making and removing them takes seconds.
inline constexpr std::int64_t kMostInodes = 1'000'000;

// Until only `leave` are free or, where `count` is not 0, until so many are taken. Refuses what
// would take none, too many, or those of others.
struct InodesAsked {
  std::string folder;
  std::int64_t leave = 0, count = 0;
};
[[nodiscard]] Status may_take_inodes(const InodesAsked& asked, const Disk& disk,
                                     const DeedContext& context);
[[nodiscard]] Result<Undo> prepare_inodes(std::string_view kind, const InodesAsked& asked,
                                          const Disk& disk, const DeedContext& context);
// The marks of the folders of any deed: a list of {"where", "mark"}.
[[nodiscard]] Json inode_takers_in(const std::string& folder);
// These stand in the rows as they are.
[[nodiscard]] Status take_inodes(const Deed& deed, const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> inodes_taken(const Deed& deed, const Undo& undo,
                                         const DeedContext& context);
[[nodiscard]] Status free_inodes(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> inodes_freed(const Undo& undo, const DeedContext& context);

}  // namespace gameday
