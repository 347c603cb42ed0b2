#include "drills/systems/redis_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "drills/systems/disk.h"
#include "drills/systems/sqlite.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = ".manifest";
constexpr std::int64_t kMostOfAManifest = 1 << 20;

// The names in a manifest: "file appendonly.aof.1.base.rdb seq 1 type b" a line. Those of files
// that are only waiting to be removed ("type h") are no part of it.
Result<std::vector<std::string>> names_in(const std::string& manifest) {
  std::vector<std::string> names;
  for (const auto& line : split(manifest, '\n')) {
    const auto words = split(trimmed(line), ' ');
    if (words.size() < 6 || words[0] != "file" || words[4] != "type" || words[5] == "h") continue;
    // It is in the manifest's own folder, or it is none.
    if (words[1].contains('/') || words[1].starts_with('.')) {
      return fail(ErrorCode::corrupt, "the manifest of the append-only files names one elsewhere");
    }
    names.push_back(words[1]);
  }
  return names;
}

Result<std::string> manifest_in(const std::string& folder) {
  std::error_code error;
  std::string found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (!name.ends_with(kManifest)) continue;
    if (!found.empty()) {
      return fail(ErrorCode::corrupt, folder + " has more than one manifest");
    }
    found = at->path();
  }
  if (error) return std::unexpected(system_error(error.value(), "cannot read " + folder));
  if (found.empty()) {
    return fail(ErrorCode::not_found, folder + " has no manifest of append-only files");
  }
  return found;
}

Status copy_file(const fs::path& from, const fs::path& to, const DeedContext& context) {
  std::error_code error;
  const auto size = fs::file_size(from, error);
  if (error) return std::unexpected(system_error(error.value(), "cannot read " + from.string()));
  TRY(disk, disk_of(to.parent_path()));
  if (disk.free < static_cast<std::int64_t>(size)) {
    return fail(ErrorCode::no_space,
                from.string() + " wants " + shown_bytes(static_cast<std::int64_t>(size)) + " in " +
                    to.parent_path().string() + ", which has " + shown_bytes(disk.free));
  }
  if (context.doors.observer) context.doors.observer("files", Side::before);
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error) fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
  if (context.doors.observer) context.doors.observer("files", Side::after);
  if (!error) return {};
  return std::unexpected(system_error(error.value(), "cannot copy " + from.string()));
}

}  // namespace

std::string_view name_of(RedisFiles::Kind kind) {
  switch (kind) {
    case RedisFiles::Kind::rdb: return "rdb";
    case RedisFiles::Kind::appended: return "aof";
    case RedisFiles::Kind::folder: return "aof-folder";
  }
  return "rdb";
}

Result<RedisFiles> redis_files_at(const std::string& path) {
  std::error_code error;
  const auto found = fs::status(path, error);
  if (!fs::exists(found)) return fail(ErrorCode::not_found, "there is no backup " + path);
  if (fs::is_directory(found)) {
    TRY(manifest, manifest_in(path));
    return RedisFiles{RedisFiles::Kind::folder, manifest};
  }
  if (path.ends_with(kManifest)) return RedisFiles{RedisFiles::Kind::folder, path};
  return RedisFiles{path.ends_with(".aof") ? RedisFiles::Kind::appended : RedisFiles::Kind::rdb,
                    path};
}

Status may_read_redis_files(const RedisFiles& files, const DeedContext& context) {
  std::vector<fs::path> all{files.path};
  if (files.kind == RedisFiles::Kind::folder) {
    TRY(manifest, context.doors.files.read(files.path, kMostOfAManifest));
    TRY(names, names_in(manifest));
    for (const auto& name : names) all.push_back(all.front().parent_path() / name);
  }
  for (const auto& path : all) {
    if (access(path.c_str(), R_OK) == 0) continue;
    const int number = errno;
    if (number == ENOENT) {
      return fail(ErrorCode::corrupt, "the file " + path.string() + " is missing");
    }
    return fail(ErrorCode::refused, "the file " + path.string() + " may not be read");
  }
  return {};
}

Result<RedisFiles> copy_redis_files(const RedisFiles& files, const std::string& to,
                                    const DeedContext& context) {
  const fs::path from(files.path);
  if (files.kind != RedisFiles::Kind::folder) {
    RedisFiles copy{files.kind, to + "/" + from.filename().string()};
    TRY_OK(copy_file(from, copy.path, context));
    return copy;
  }
  // The manifest first: what is appended meanwhile is of no harm, a file that it does not name is.
  const fs::path folder = fs::path(to) / "appended";
  TRY_OK(context.doors.files.make_folder(folder.string(), 0700));
  RedisFiles copy{files.kind, (folder / from.filename()).string()};
  TRY_OK(copy_file(from, copy.path, context));
  TRY(manifest, context.doors.files.read(copy.path, kMostOfAManifest));
  TRY(names, names_in(manifest));
  for (const auto& name : names) {
    const Status copied = copy_file(from.parent_path() / name, folder / name, context);
    if (!copied && copied.error().code == ErrorCode::not_found) {
      return fail(ErrorCode::corrupt, "the file " + name + " that the manifest names is missing");
    }
    if (!copied) return std::unexpected(copied.error());
  }
  return copy;
}

Result<std::string> sha256_of(const RedisFiles& files) {
  if (files.kind != RedisFiles::Kind::folder) return file_sha256(files.path);
  std::vector<std::string> lines;
  std::error_code error;
  const fs::path folder = fs::path(files.path).parent_path();
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    TRY(digest, file_sha256(at->path()));
    lines.push_back(digest + " " + at->path().filename().string() + "\n");
  }
  if (error) return std::unexpected(system_error(error.value(), "cannot read " + folder.string()));
  std::ranges::sort(lines);
  return sha256(join(lines, ""));
}

Result<bool> receive_rdb_file(const RedisPlace& place, const std::string& path,
                              const DeedContext& context) {
  TRY(session, open_redis(place, context));
  if (context.doors.observer) context.doors.observer("files", Side::before);
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return std::unexpected(system_error(errno, "cannot write " + path));
  const auto take = [&](std::string_view bytes) -> Status {
    while (!bytes.empty()) {
      const ssize_t written = write(file.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return std::unexpected(system_error(errno, "cannot write " + path));
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  };
  auto received = session.receive_rdb(take);
  if (received && fsync(file.get()) != 0) {
    received = std::unexpected(system_error(errno, "cannot write " + path));
  }
  // Half a dump is none.
  if (!received) static_cast<void>(context.doors.files.remove(path));
  if (context.doors.observer) context.doors.observer("files", Side::after);
  return received;
}

}  // namespace gameday
