#include "tombstones.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "order.h"

namespace shop {

Tombstones::Tombstones(std::string path) : path_(std::move(path)) {
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) drills_.insert(line);
  }
}

void Tombstones::add(const std::string& drill) {
  const std::scoped_lock lock(mutex_);
  if (drills_.contains(drill)) return;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  // A line break in front ends what a crash may have left half written.
  const std::string line = "\n" + drill + "\n";
  const bool written = fd >= 0 &&
                       ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fdatasync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!written) throw std::runtime_error("cannot write " + path_ + ": " + std::strerror(error));
  drills_.insert(drill);
}

bool Tombstones::has(std::string_view drill) const {
  const std::scoped_lock lock(mutex_);
  return drills_.contains(drill);
}

bool Tombstones::covers(std::string_view key) const { return has(drill_of(key)); }

}  // namespace shop
