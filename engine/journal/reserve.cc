#include "engine/journal/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "engine/sys/descriptor.h"

namespace gameday {

Status Reserve::make() const {
  const Descriptor file(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(system_error(errno, "cannot create " + path_));
  // One that was given up is not made again in the very space that an undo now needs: as much again
  // must be left over.
  struct stat found{};
  struct statvfs space{};
  const bool whole = fstat(file.get(), &found) == 0 && found.st_size >= kBytes;
  const bool room = fstatvfs(file.get(), &space) == 0 &&
                    space.f_bavail * space.f_frsize >= 2 * static_cast<std::uint64_t>(kBytes);
  const int number = whole ? 0 : !room ? ENOSPC : posix_fallocate(file.get(), 0, kBytes);
  if (number == 0) return {};
  unlink(path_.c_str());
  return std::unexpected(system_error(number, "cannot reserve 1 MiB in " + path_));
}

bool Reserve::free() const { return unlink(path_.c_str()) == 0; }

}  // namespace gameday
