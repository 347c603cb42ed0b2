#include "drills/systems/owned_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "drills/systems/own_rights.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr std::int64_t kLargest = 1 << 20;

std::string beside(const std::string& path, const std::string& mark) {
  return path + ".gameday-" + mark;
}

// One write: a process that ends while it is under way ends behind it.
Status write_whole(int number, const OwnedFile& file) {
  const auto size = static_cast<ssize_t>(file.bytes.size());
  const bool written = pwrite(number, file.bytes.data(), file.bytes.size(), 0) == size &&
                       ftruncate(number, size) == 0 && fsync(number) == 0;
  if (written) return {};
  return std::unexpected(system_error(errno, "cannot write " + file.path));
}

Status put_in_place(const OwnedFile& file) {
  const Descriptor opened(open(file.path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!opened) return std::unexpected(system_error(errno, "cannot open " + file.path));
  TRY_OK(write_whole(opened.get(), file));
  struct stat found{};
  const bool same = fstat(opened.get(), &found) == 0 && found.st_uid == file.uid &&
                    found.st_gid == file.gid && (found.st_mode & 07777) == file.mode;
  if (same ||
      (fchown(opened.get(), file.uid, file.gid) == 0 && fchmod(opened.get(), file.mode) == 0)) {
    return {};
  }
  return std::unexpected(system_error(errno, "cannot give " + file.path + " its owner and mode"));
}

Status sync_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened && fsync(opened.get()) == 0) return {};
  return std::unexpected(system_error(errno, "cannot sync " + folder));
}

// `unsupported`: it can only be done in place.
Status put_by_rename(const OwnedFile& file, const std::string& name) {
  const auto in_place = [] { return fail(ErrorCode::unsupported, "not by a rename"); };
  struct stat found{};
  if (stat(file.path.c_str(), &found) == 0 && found.st_nlink > 1) return in_place();
  const Descriptor made(
      open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made) return in_place();
  if (fchown(made.get(), file.uid, file.gid) != 0 || fchmod(made.get(), file.mode) != 0) {
    return in_place();
  }
  TRY_OK(write_whole(made.get(), file));
  if (rename(name.c_str(), file.path.c_str()) == 0) return sync_folder_of(file.path);
  if (errno == EBUSY || errno == EXDEV) return in_place();
  return std::unexpected(system_error(errno, "cannot put " + file.path + " in place"));
}

}  // namespace

Result<OwnedFile> owned_file_at(const std::string& path, const Doors& doors) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error).string();
  if (error) return fail(ErrorCode::not_found, "no file " + path);
  struct stat found{};
  if (stat(real.c_str(), &found) != 0) {
    return std::unexpected(system_error(errno, "cannot look at " + real));
  }
  if (!S_ISREG(found.st_mode)) return fail(ErrorCode::invalid, real + " is not a plain file");
  TRY(bytes, doors.files.read(real, kLargest));
  return OwnedFile{real, std::move(bytes), found.st_mode & 07777, found.st_uid, found.st_gid};
}

Status may_put_file(const OwnedFile& file) {
  const auto folder = std::filesystem::path(file.path).parent_path().string();
  const bool in_place = faccessat(AT_FDCWD, file.path.c_str(), W_OK, AT_EACCESS) == 0;
  // A new one in its place must get its owner, or the old one is written to all the same.
  const bool by_rename = may_change_folder(folder) && may_give_to(file.uid, file.gid);
  if (in_place || by_rename) return {};
  return fail(ErrorCode::refused, "we may not write " + file.path, "run gameday as a user who may");
}

Status put_file(const OwnedFile& file, const std::string& mark, const Doors& doors) {
  const auto told = [&](Side side) {
    if (doors.observer) doors.observer("files", side);
  };
  told(Side::before);
  const std::string name = beside(file.path, mark);
  auto put = put_by_rename(file, name);
  if (!put) unlink(name.c_str());
  if (!put && put.error().code == ErrorCode::unsupported) put = put_in_place(file);
  told(Side::after);
  return put;
}

Status remove_half_put(const std::string& path, const std::string& mark, const Doors& doors) {
  return doors.files.remove(beside(path, mark));
}

}  // namespace gameday
