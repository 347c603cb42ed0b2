// The room on a filesystem as ordinary users see it, and a file that takes it away: it carries the
// mark of its deed in its name and at its head, so that nobody else's is ever taken for it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/doors.h"
#include "engine/sys/filesystem.h"

namespace gameday {

struct Disk {
  Filesystem kind;
  std::uint64_t device = 0;  // st_dev
  std::string id;            // statvfs(2)'s f_fsid; empty where the filesystem has none
  std::int64_t block = 0;
  std::int64_t total = 0;
  std::int64_t unused = 0;  // bytes, what is kept for root among them
  std::int64_t free = 0;    // bytes for ordinary users
  [[nodiscard]] bool in_memory() const { return kind.type == "tmpfs" || kind.type == "ramfs"; }
};
// Of the filesystem that `folder` is on.
[[nodiscard]] Result<Disk> disk_of(const std::string& folder);

// Whether filling the one fills the other: the same device, or another view of the same room.
[[nodiscard]] bool share_room(const Disk& a, const Disk& b);

// "12.5 MiB"
[[nodiscard]] std::string shown_bytes(std::int64_t bytes);

// Whether an ordinary user could write that many bytes more; what it takes to find out is given
// back at once, and has no name.
[[nodiscard]] Result<bool> takes(const std::string& folder, std::int64_t bytes,
                                 const DeedContext& context);

struct Filler {
  std::string path;
  std::string mark;
};
[[nodiscard]] Filler filler_in(const std::string& folder, const std::string& mark);
// Those of any deed.
[[nodiscard]] std::vector<Filler> fillers_in(const std::string& folder);

enum class FillerThere { no, ours, not_ours };
[[nodiscard]] FillerThere look_for(const Filler& filler);

// On disk when it returns: a file that comes back after a power cut would fill the disk again.
[[nodiscard]] Status remove_filler(const Filler& filler, const Doors& doors);

// Makes it, and has it grow until only `leave` bytes are free for ordinary users, or it has `most`.
inline constexpr std::int64_t kNoMost = std::numeric_limits<std::int64_t>::max();
[[nodiscard]] Status fill(const Filler& filler, std::int64_t leave, const DeedContext& context,
                          std::int64_t most = kNoMost);
// What it takes of the disk; 0 where it is not there.
[[nodiscard]] std::int64_t taken_by(const Filler& filler);

}  // namespace gameday
