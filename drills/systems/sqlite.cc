#include "drills/systems/sqlite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr Duration kLongestBusy = std::chrono::hours(1);  // a Limit ends the wait before

std::int64_t size_of(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 ? found.st_size : 0;
}

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

Status check_free(const std::string& folder, std::int64_t needed, const std::string& what) {
  struct statvfs disk{};
  if (statvfs(folder.c_str(), &disk) != 0) {
    return std::unexpected(system_error(errno, "cannot look at the disk of " + folder));
  }
  const auto left =
      static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
  if (left >= needed) return {};
  return fail(ErrorCode::no_space, folder + " has " + std::to_string(left) + " bytes left, and " +
                                       what + " needs " + std::to_string(needed));
}

// SQLite's own text of a number has fewer digits than the number.
std::string shortest(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

// SQLite gives its own files the rights of the database, so these are set before it writes any.
Status make_private_file(const std::string& path) {
  const Descriptor made(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!made) return std::unexpected(system_error(errno, "cannot create " + path));
  return {};
}

Status put_in_place(const std::string& from, const std::string& to, const DeedContext& context) {
  const auto told = [&](Side side) {
    if (context.doors.observer) context.doors.observer("files", side);
  };
  told(Side::before);
  if (rename(from.c_str(), to.c_str()) != 0) {
    return std::unexpected(system_error(errno, "cannot put " + to + " in place"));
  }
  const Descriptor folder(open(folder_of(to).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || fsync(folder.get()) != 0) {
    return std::unexpected(system_error(errno, "cannot sync the folder of " + to));
  }
  told(Side::after);
  return {};
}

std::string part_of(const std::string& path) { return path + ".part"; }

using Opener = Result<Database> (*)(const std::string& path, const DeedContext& context);

Result<Database> open_whole(const std::string& path, const DeedContext& context) {
  return open_sqlite(path, DatabaseMode::existing, context);
}

Result<Database> copied(const std::string& from, const std::string& to, Opener opener,
                        const DeedContext& context) {
  TRY(source, opener(from, context));
  TRY(copy, opener(to, context));
  TRY_OK(copy.execute("PRAGMA synchronous = EXTRA"));
  {
    const Database::Limit limit(source, context.until, context.doors.clock);
    TRY_OK(source.copy_to(copy, context.until, context.doors.clock));
  }
  {
    const Database::Limit limit(copy, context.until, context.doors.clock);
    // A copy of a database in WAL mode is in WAL mode itself, and would be three files.
    TRY(mode, copy.text("PRAGMA journal_mode = DELETE"));
    if (mode != "delete") return fail(ErrorCode::failed, to + " stays in journal mode " + mode);
  }
  return copy;
}

Result<SqliteContent> copy_into(const std::string& from, const std::string& to,
                                const DeedContext& context) {
  TRY(copy, copied(from, to, open_whole, context));
  const Database::Limit limit(copy, context.until, context.doors.clock);
  TRY_OK(check_integrity(copy));
  return read_content(copy);
}

Status copy_image_into(const std::string& from, const std::string& to, const DeedContext& context) {
  TRY_OK(copied(from, to, open_damaged_sqlite, context));
  return {};
}

}  // namespace

Result<std::string> sqlite_path(const Target& target) {
  const std::string given = target.facets.get("sqlite").text("path");
  const std::unique_ptr<char, decltype(&std::free)> found(realpath(given.c_str(), nullptr),
                                                          &std::free);
  if (!found) return std::unexpected(system_error(errno, "cannot find the database " + given));
  return std::string(found.get());
}

Status may_write_sqlite(const Target& target) {
  TRY(path, sqlite_path(target));
  const std::string folder = std::filesystem::path(path).parent_path();
  for (const std::string& place : {path, folder}) {
    if (access(place.c_str(), W_OK) == 0) continue;
    return fail(ErrorCode::refused, "we may not write " + place, "run gameday as its user");
  }
  return {};
}

std::string sqlite_identity(const std::string& path) { return "sqlite:" + path; }

Result<Database> open_sqlite(const std::string& path, DatabaseMode mode,
                             const DeedContext& context) {
  return Database::open(path,
                        {.mode = mode, .busy = kLongestBusy, .observer = context.doors.observer});
}

Result<Datum> sqlite_value(const std::string& path, const std::string& question,
                           const DeedContext& context) {
  TRY(database, open_sqlite(path, DatabaseMode::read_only, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY(rows, database.prepare_question(question));
  TRY(first, rows.step());
  const char* wanted = "; one row of one column is wanted";
  if (!first) return fail(ErrorCode::invalid, std::string("it gives no row") + wanted);
  if (rows.columns() != 1) {
    return fail(ErrorCode::invalid,
                "it gives " + std::to_string(rows.columns()) + " columns" + wanted);
  }
  const ColumnType type = rows.type(0);
  const bool real = type == ColumnType::real;
  Datum value{real ? shortest(rows.real(0)) : rows.text(0), real || type == ColumnType::integer,
              type == ColumnType::null};
  TRY(second, rows.step());
  if (second) return fail(ErrorCode::invalid, std::string("it gives several rows") + wanted);
  return value;
}

// Without writable_schema it opens no file that is shorter than it says.
Result<Database> open_damaged_sqlite(const std::string& path, const DeedContext& context) {
  TRY(database, open_sqlite(path, DatabaseMode::existing, context));
  TRY_OK(database.execute("PRAGMA writable_schema = ON"));
  return database;
}

Result<SqliteState> read_state(const std::string& path, const DeedContext& context) {
  TRY(database, open_sqlite(path, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY_OK(database.execute("BEGIN"));
  TRY(content, read_content(database));
  TRY(version, database.integer("PRAGMA schema_version"));
  TRY_OK(check_integrity(database));
  TRY_OK(database.execute("ROLLBACK"));
  return SqliteState{content, version};
}

Result<SqliteContent> copy_sqlite(const std::string& from, const std::string& to,
                                  const DeedContext& context) {
  const std::string part = part_of(to);
  TRY_OK(make_private_file(part));
  auto content = copy_into(from, part, context);
  if (content) {
    if (auto placed = put_in_place(part, to, context); !placed) {
      content = std::unexpected(placed.error());
    }
  }
  if (!content) static_cast<void>(erase_copy(to, context));
  return content;
}

Status copy_sqlite_image(const std::string& from, const std::string& to,
                         const DeedContext& context) {
  const std::string part = part_of(to);
  TRY_OK(make_private_file(part));
  auto done = copy_image_into(from, part, context);
  if (done) done = put_in_place(part, to, context);
  if (!done) static_cast<void>(erase_copy(to, context));
  return done;
}

Status erase_copy(const std::string& path, const DeedContext& context) {
  for (const std::string& file : {path, part_of(path)}) {
    for (const char* end : {"", "-journal", "-wal", "-shm"}) {
      TRY_OK(context.doors.files.remove(file + end));
    }
  }
  return {};
}

Result<std::string> file_sha256(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  Sha256 digest;
  char block[65536];
  while (true) {
    const ssize_t got = read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(errno, "cannot read " + path));
    if (got == 0) return digest.digest();
    digest.add({block, static_cast<std::size_t>(got)});
  }
}

Status check_space(const std::string& database, const std::string& folder) {
  constexpr std::int64_t kRoom = 1 << 20;
  const std::int64_t size = size_of(database) + size_of(database + "-wal");
  TRY_OK(check_free(folder, size + kRoom, "a copy of " + database));
  return check_free(folder_of(database), size + kRoom, "writing " + database + " anew");
}

}  // namespace gameday
