#include "engine/journal/store_file.h"

#include <filesystem>

#include "engine/journal/filesystem.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kApplication = 0x47444159;  // "GDAY"
constexpr std::int64_t kVersion = 1;
constexpr int kMostTries = 500;
constexpr Duration kTryAgain = 10ms;

constexpr std::string_view kTables = R"(
CREATE TABLE drills(
  entered INTEGER PRIMARY KEY,  -- the order in which drills were entered
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  playbook TEXT NOT NULL,
  boot TEXT NOT NULL,           -- the runner: boot, pid and start time
  pid INTEGER NOT NULL,
  start INTEGER NOT NULL,
  added_epoch INTEGER NOT NULL,
  epoch INTEGER NOT NULL,       -- raised by each replayer that takes the drill over
  verdict TEXT NOT NULL,
  created TEXT NOT NULL,
  previous TEXT NOT NULL        -- what the first event follows
) STRICT;
CREATE TABLE events(
  drill TEXT NOT NULL REFERENCES drills(id),
  number INTEGER NOT NULL,
  line TEXT NOT NULL,
  PRIMARY KEY(drill, number)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1195655513;
PRAGMA user_version = 1;
)";
static_assert(kApplication == 1195655513 && kVersion == 1);

Error not_ours(const std::string& path, const std::string& why) {
  return {ErrorCode::invalid, path + " is no gameday store: " + why, "name another file: --store"};
}

enum class Kind { empty, ours };

Result<Kind> kind_of(Database& database) {
  const std::string& path = database.path();
  auto application = database.integer("PRAGMA application_id");
  if (!application && application.error().code == ErrorCode::corrupt) {
    return std::unexpected(not_ours(path, application.error().text));
  }
  if (!application) return std::unexpected(std::move(application).error());
  TRY(version, database.integer("PRAGMA user_version"));
  TRY(tables, database.integer("SELECT count(*) FROM sqlite_schema"));
  if (*application == 0 && version == 0 && tables == 0) return Kind::empty;
  if (*application != kApplication) {
    return std::unexpected(not_ours(path, "it is another program's SQLite database"));
  }
  if (version > kVersion) {
    return std::unexpected(
        not_ours(path, "its version " + std::to_string(version) + " is later than this gameday"));
  }
  if (version < kVersion) return std::unexpected(not_ours(path, "its version is unknown"));
  return Kind::ours;
}

Status make_tables(Database& database) {
  TRY(transaction, Transaction::begin(database));
  TRY(kind, kind_of(database));  // another process may have been quicker
  if (kind == Kind::ours) return {};
  TRY_OK(database.execute(kTables));
  return transaction.commit();
}

Result<Database> opened(const std::string& path) {
  TRY(database, Database::open(path, {.mode = DatabaseMode::create, .busy = 5s}));
  // In one snapshot: another process may be making the tables right now.
  TRY_OK(database.execute("BEGIN"));
  const auto kind = kind_of(database);
  // A full disk has ended it already, and is what is to be told.
  if (database.in_transaction()) TRY_OK(database.execute("ROLLBACK"));
  if (!kind) return std::unexpected(kind.error());
  TRY(mode, database.text("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return fail(ErrorCode::refused, path + ": its filesystem allows no write-ahead log");
  }
  // A log that is written over early takes less of the reserve when the disk is full.
  TRY_OK(database.execute(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 64"));
  if (*kind == Kind::empty) TRY_OK(make_tables(database));
  return database;
}

}  // namespace

Result<Database> open_unwritable_store_file(const std::string& path) {
  std::error_code none;
  // A log that has not been written over belongs to the store: only where there is none is the file
  // all there is. Others may be writing to both, through another mount.
  const bool log = std::filesystem::file_size(path + "-wal", none) > 0 && !none;
  const auto mode = log ? DatabaseMode::read_only : DatabaseMode::unchanging;
  TRY(database, Database::open(path, {.mode = mode, .busy = 5s}));
  TRY(kind, kind_of(database));
  if (kind == Kind::empty) return std::unexpected(not_ours(path, "it is empty"));
  return database;
}

Result<Database> open_store_file(const std::string& path, const Clock& clock) {
  std::error_code none;
  const auto real = std::filesystem::weakly_canonical(path, none);
  const std::string folder = (none ? std::filesystem::path(path) : real).parent_path().string();
  if (!std::filesystem::exists(folder, none)) TRY_OK(Files().make_folder(folder, 0700));
  TRY(filesystem, filesystem_of(folder));
  TRY_OK(fit_for_store(folder, filesystem));
  // Turning a new file into a WAL one does not wait for a lock, so that is done here.
  for (int tries = 1;; ++tries) {
    auto database = opened(path);
    const bool locked = !database && database.error().code == ErrorCode::conflict;
    if (!locked || tries == kMostTries) return database;
    TRY_OK(clock.pause(kTryAgain, {Stop(), clock.in(1s)}));
  }
}

}  // namespace gameday
