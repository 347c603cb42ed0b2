#include "drills/systems/container_volume.h"

#include <sys/stat.h>

#include <cerrno>

#include "drills/systems/own_rights.h"

namespace gameday {
namespace {

// Why a volume whose folder is known is not seen: empty, where it is not a right that is lacking.
std::string unseen(const std::string& folder, const std::string& there) {
  struct stat found{};
  if (stat(there.c_str(), &found) != 0 && errno == EACCES) {
    return in_brackets(lacking({cap::kSysPtrace}));
  }
  if (stat(folder.c_str(), &found) == 0 || errno != EACCES) return "";
  return ": we may not look into " + folder + in_brackets(lacking({cap::kDacOverride}));
}

}  // namespace

// As it is on this machine. Whatever leads elsewhere is not what the container sees there.
Result<std::string> folder_of_volume(const HeldContainer& held, const Container& now,
                                     const std::string& path) {
  std::string known;
  for (const Json& mount : now.all.items("Mounts")) {
    const auto at = mount.text("Destination"), folder = mount.text("Source");
    known += (known.empty() ? "" : ", ") + at;
    if (at != path) continue;
    if (!mount.boolean("RW", false)) {
      return fail(ErrorCode::refused, path + " of " + shown(held) + " is mounted read-only");
    }
    struct stat here{}, inside{};
    const auto there = held.process ? "/proc/" + std::to_string(held.process->pid) + "/root" + path
                                    : std::string();
    const bool same = !there.empty() && folder.starts_with('/') &&
                      stat(folder.c_str(), &here) == 0 && stat(there.c_str(), &inside) == 0 &&
                      S_ISDIR(here.st_mode) && here.st_dev == inside.st_dev &&
                      here.st_ino == inside.st_ino;
    if (same) return folder;
    return fail(ErrorCode::refused,
                "the volume at " + path + " of " + shown(held) + " cannot be seen from here" +
                    (there.empty() ? "" : unseen(folder, there)),
                "run gameday as root, on the machine of its engine");
  }
  return fail(ErrorCode::refused,
              shown(held) + " has no volume at " + path +
                  (known.empty() ? ": what it writes is on a disk of its machine" : ""),
              known.empty() ? "give it a volume" : "name one that it has: " + known);
}

// Whatever holds the engine's own files or this machine's is not the container's alone.
Result<bool> is_shared_disk(const Disk& disk, const DockerEngine& engine,
                            const DeedContext& context) {
  TRY(root, disk_of("/"));
  if (share_room(disk, root)) return true;
  TRY(info, engine.get("/info", context));
  const auto data = disk_of(info.text("DockerRootDir"));
  return data && share_room(disk, *data);
}

}  // namespace gameday
