#include "engine/sys/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

namespace gameday {
namespace {

Status write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(system_error(errno, "cannot write " + path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(descriptor) != 0) return std::unexpected(system_error(errno, "cannot sync " + path));
  return {};
}

Status sync_folder(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const std::string name = folder.empty() ? "." : folder.string();
  const Descriptor opened(open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || fsync(opened.get()) != 0) {
    return std::unexpected(system_error(errno, "cannot sync " + name));
  }
  return {};
}

// There are files with content that never end, and would be waited for as a pipe is: /proc/kmsg.
// A pipe that somebody hands us is waited for; a file has all that it holds, or is none.
Descriptor opened_to_read(const std::string& path) {
  struct stat found{};
  const bool regular = stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode);
  return Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0)));
}

std::unexpected<Error> unreadable(int error, const std::string& path) {
  if (error == EAGAIN) return fail(ErrorCode::invalid, path + " has no end: more may come yet");
  return std::unexpected(system_error(error, "cannot read " + path));
}

}  // namespace

Result<std::string> Files::read(const std::string& path, std::int64_t limit) const {
  const Descriptor file = opened_to_read(path);
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  std::string bytes;
  char block[65536];
  while (true) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno, path);
    if (got == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(got));
    if (static_cast<std::int64_t>(bytes.size()) > limit) {
      return fail(ErrorCode::invalid, path + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

Status Files::each_line(const std::string& path,
                        const std::function<bool(std::string_view line)>& each) const {
  constexpr std::size_t kLongest = std::size_t{64} << 20;
  const Descriptor file = opened_to_read(path);
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  std::string begun;  // a line whose end has not been read yet
  std::vector<char> block(std::size_t{1} << 18);
  while (true) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno, path);
    if (got == 0) break;
    std::string_view rest(block.data(), static_cast<std::size_t>(got));
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      const std::string_view line = rest.substr(0, end);
      if (!each(begun.empty() ? line : std::string_view(begun += line))) return {};
      begun.clear();
      rest.remove_prefix(end + 1);
    }
    begun += rest;
    if (begun.size() > kLongest) return fail(ErrorCode::invalid, path + " has a line over 64 MiB");
  }
  if (!begun.empty()) each(begun);
  return {};
}

Result<FileFacts> Files::look(const std::string& path) const {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) {
    return std::unexpected(system_error(errno, "cannot look at " + path));
  }
  const auto since_epoch =
      std::chrono::seconds(found.st_mtim.tv_sec) + std::chrono::nanoseconds(found.st_mtim.tv_nsec);
  return FileFacts{S_ISREG(found.st_mode), found.st_size, Utc(since_epoch)};
}

bool Files::exists(const std::string& path) const { return access(path.c_str(), F_OK) == 0; }

Status Files::write(const std::string& path, std::string_view bytes, unsigned mode) const {
  told(Side::before);
  const std::string temporary = path + ".new." + std::to_string(getpid());
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file) return std::unexpected(system_error(errno, "cannot create " + temporary));
  auto written = write_all(file.get(), bytes, temporary);
  file.reset();
  if (written && rename(temporary.c_str(), path.c_str()) != 0) {
    written = std::unexpected(system_error(errno, "cannot put " + path + " in place"));
  }
  if (!written) {
    unlink(temporary.c_str());
    return written;
  }
  TRY_OK(sync_folder(path));
  told(Side::after);
  return {};
}

Status Files::make_folder(const std::string& path, unsigned mode) const {
  std::string made;
  for (const auto& part : std::filesystem::path(path)) {
    made = made.empty() ? part.string() : (std::filesystem::path(made) / part).string();
    if (mkdir(made.c_str(), mode) != 0 && errno != EEXIST) {
      return std::unexpected(system_error(errno, "cannot create folder " + made));
    }
  }
  struct stat found{};
  if (stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return fail(ErrorCode::failed, path + " is not a folder");
  }
  return {};
}

Status Files::remove(const std::string& path) const {
  told(Side::before);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(system_error(errno, "cannot remove " + path));
  }
  told(Side::after);
  return {};
}

Result<Descriptor> Files::lock(const std::string& path) const {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file) return std::unexpected(system_error(errno, "cannot open lock " + path));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorCode::conflict, path + " is held by another");
    return std::unexpected(system_error(errno, "cannot lock " + path));
  }
  return file;
}

std::string resolved_path(const std::string& folder, const std::string& path) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

}  // namespace gameday
