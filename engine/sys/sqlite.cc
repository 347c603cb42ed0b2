#include "engine/sys/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/text.h"
#include "engine/sys/versions.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

constexpr int kOperationsBetweenLooks = 2000;
constexpr int kPagesPerStep = 64;
constexpr Duration kLockPause = 5ms;

ErrorCode code_of(int extended, int system_number) {
  if (system_number == ENOSPC || system_number == EDQUOT) return ErrorCode::no_space;
  // The shared memory file of a WAL could not grow: SQLite says nothing more of a full disk.
  if (extended == SQLITE_IOERR_SHMSIZE) return ErrorCode::no_space;
  if (extended == SQLITE_READONLY_DBMOVED) return ErrorCode::conflict;
  switch (extended & 0xff) {
    case SQLITE_FULL: return ErrorCode::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::conflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::corrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return system_number == ENOENT ? ErrorCode::not_found : ErrorCode::refused;
    case SQLITE_INTERRUPT: return ErrorCode::stopped;
    default: return ErrorCode::failed;
  }
}

bool ends_transaction(const char* sql) {
  const std::string word = lower(trimmed(std::string_view(sql)).substr(0, 6));
  return word == "commit" || word.starts_with("end");
}

// The path as a URI, in which some letters would mean something else.
std::string unchanging_name(const std::string& path) {
  std::string name = "file:";
  for (const char c : path) {
    name += c == '%' ? "%25" : c == '?' ? "%3f" : c == '#' ? "%23" : std::string(1, c);
  }
  return name + "?immutable=1";
}

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

}  // namespace

struct Database::Connection {
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { sqlite3_close_v2(handle); }

  [[nodiscard]] Error error(const std::string& doing) const;
  void told(Side side) const {
    if (options.observer) options.observer("sqlite", side);
  }
  // The error of the limit that was reached, if one was.
  [[nodiscard]] std::optional<Error> over() const;
  [[nodiscard]] Result<StatementHandle> prepared(std::string_view sql, std::string_view* rest);
  [[nodiscard]] Result<bool> step(sqlite3_stmt* statement);
  void busy_by_default() {
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(options.busy).count();
    sqlite3_busy_timeout(handle, static_cast<int>(wait));
  }

  std::string path;
  DatabaseOptions options;
  sqlite3* handle = nullptr;
  const Clock* clock = nullptr;  // with a limit only
  Until until;
  Instant busy_since;
};

std::optional<Error> Database::Connection::over() const {
  if (clock == nullptr) return std::nullopt;
  if (until.stop.requested()) return Error{ErrorCode::stopped, "stopped", ""};
  if (clock->now().boot >= until.deadline) {
    return Error{ErrorCode::timed_out, "the deadline passed", ""};
  }
  return std::nullopt;
}

Error Database::Connection::error(const std::string& doing) const {
  const int extended = sqlite3_extended_errcode(handle);
  const int kind = extended & 0xff;
  if (kind == SQLITE_INTERRUPT || kind == SQLITE_BUSY || kind == SQLITE_LOCKED) {
    if (const auto reached = over()) return reached->in(path + ": " + doing);
  }
  const std::string why =
      extended == SQLITE_IOERR_SHMSIZE ? "the disk is full" : sqlite3_errmsg(handle);
  return {code_of(extended, sqlite3_system_errno(handle)),
          path + ": " + doing + ": " + why + " (SQLite code " + std::to_string(extended) + ")", ""};
}

Result<StatementHandle> Database::Connection::prepared(std::string_view sql,
                                                       std::string_view* rest) {
  sqlite3_stmt* made = nullptr;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &made, &tail);
  StatementHandle statement(made);
  if (code != SQLITE_OK) return std::unexpected(error("cannot prepare"));
  *rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  return statement;
}

Result<bool> Database::Connection::step(sqlite3_stmt* statement) {
  const bool first = sqlite3_stmt_busy(statement) == 0;
  // SQLite counts COMMIT among the statements that write nothing.
  const bool writes =
      sqlite3_stmt_readonly(statement) == 0 || ends_transaction(sqlite3_sql(statement));
  if (first && writes) told(Side::before);
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const Error what = error("cannot execute");
    sqlite3_reset(statement);
    return std::unexpected(what);
  }
  sqlite3_reset(statement);
  if (writes) told(Side::after);
  return false;
}

struct Statement::State {
  std::shared_ptr<Database::Connection> connection;
  StatementHandle handle;  // finalized before the connection goes
};

Statement::Statement(std::unique_ptr<State> state) : state_(std::move(state)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement& Statement::bind(int number, std::int64_t value) {
  GD_ASSERT(sqlite3_bind_int64(state_->handle.get(), number, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_real(int number, double value) {
  GD_ASSERT(sqlite3_bind_double(state_->handle.get(), number, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_text(int number, std::string_view value) {
  // A null pointer would bind NULL.
  const char* bytes = value.data() != nullptr ? value.data() : "";
  GD_ASSERT(sqlite3_bind_text64(state_->handle.get(), number, bytes, value.size(), SQLITE_TRANSIENT,
                                SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_blob(int number, std::string_view value) {
  const char* bytes = value.data() != nullptr ? value.data() : "";
  GD_ASSERT(sqlite3_bind_blob64(state_->handle.get(), number, bytes, value.size(),
                                SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_null(int number) {
  GD_ASSERT(sqlite3_bind_null(state_->handle.get(), number) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() { return state_->connection->step(state_->handle.get()); }

Status Statement::run() {
  while (true) {
    TRY(more, step());
    if (!more) return {};
  }
}

void Statement::reset() { sqlite3_reset(state_->handle.get()); }

int Statement::columns() const { return sqlite3_column_count(state_->handle.get()); }

std::string Statement::name(int column) const {
  GD_ASSERT(column >= 0 && column < columns());
  return sqlite3_column_name(state_->handle.get(), column);
}

ColumnType Statement::type(int column) const {
  GD_ASSERT(column >= 0 && column < columns());
  switch (sqlite3_column_type(state_->handle.get(), column)) {
    case SQLITE_INTEGER: return ColumnType::integer;
    case SQLITE_FLOAT: return ColumnType::real;
    case SQLITE_TEXT: return ColumnType::text;
    case SQLITE_BLOB: return ColumnType::blob;
    default: return ColumnType::null;
  }
}

std::int64_t Statement::integer(int column) const {
  GD_ASSERT(column >= 0 && column < columns());
  return sqlite3_column_int64(state_->handle.get(), column);
}

double Statement::real(int column) const {
  GD_ASSERT(column >= 0 && column < columns());
  return sqlite3_column_double(state_->handle.get(), column);
}

std::string Statement::text(int column) const {
  GD_ASSERT(column >= 0 && column < columns());
  sqlite3_stmt* statement = state_->handle.get();
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  if (bytes == nullptr) return "";
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

Database::Database(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::string& path, DatabaseOptions options) {
  auto connection = std::make_shared<Connection>();
  connection->path = path;
  connection->options = std::move(options);
  const DatabaseMode mode = connection->options.mode;
  const bool unchanging = mode == DatabaseMode::unchanging;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE;
  if (mode == DatabaseMode::create) flags |= SQLITE_OPEN_CREATE;
  if (mode == DatabaseMode::read_only) flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE;
  if (unchanging) flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
  const std::string name = unchanging ? unchanging_name(path) : path;
  if (sqlite3_open_v2(name.c_str(), &connection->handle, flags, nullptr) != SQLITE_OK) {
    struct stat found{};
    Error what = connection->error("cannot open");
    if (stat(path.c_str(), &found) != 0 && errno == ENOENT) what.code = ErrorCode::not_found;
    return std::unexpected(std::move(what));
  }
  connection->busy_by_default();
  return Database(std::move(connection));
}

Database::Limit::Limit(Database& database, const Until& until, const Clock& clock)
    : database_(database) {
  Connection& connection = *database.connection_;
  GD_ASSERT(connection.clock == nullptr);
  connection.clock = &clock;
  connection.until = until;
  sqlite3_progress_handler(
      connection.handle, kOperationsBetweenLooks,
      [](void* of) { return static_cast<Connection*>(of)->over() ? 1 : 0; }, &connection);
  sqlite3_busy_handler(
      connection.handle,
      [](void* of, int tries) {
        auto& self = *static_cast<Connection*>(of);
        const Instant now = self.clock->now().boot;
        if (tries == 0) self.busy_since = now;
        if (self.over() || now - self.busy_since >= self.options.busy) return 0;
        return self.clock->pause(kLockPause, self.until) ? 1 : 0;
      },
      &connection);
}

Database::Limit::~Limit() {
  Connection& connection = *database_.connection_;
  sqlite3_progress_handler(connection.handle, 0, nullptr, nullptr);
  connection.busy_by_default();
  connection.clock = nullptr;
  connection.until = {};
}

Status Database::execute(std::string_view sql) {
  std::string_view rest = trimmed(sql);
  while (!rest.empty()) {
    TRY(statement, connection_->prepared(rest, &rest));
    if (statement == nullptr) continue;  // a comment
    while (true) {
      TRY(more, connection_->step(statement.get()));
      if (!more) break;
    }
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  std::string_view rest;
  TRY(handle, connection_->prepared(sql, &rest));
  GD_ASSERT(handle != nullptr && trimmed(rest).empty());
  return Statement(
      std::make_unique<Statement::State>(Statement::State{connection_, std::move(handle)}));
}

Result<Statement> Database::prepare_question(std::string_view sql) {
  constexpr int kLargestValue = 16 << 20;
  sqlite3_limit(connection_->handle, SQLITE_LIMIT_LENGTH, kLargestValue);
  std::string_view rest;
  TRY(handle, connection_->prepared(sql, &rest));
  if (handle == nullptr) return fail(ErrorCode::invalid, "there is no statement in the query");
  while (!trimmed(rest).empty()) {
    TRY(another, connection_->prepared(rest, &rest));
    if (another != nullptr) return fail(ErrorCode::invalid, "the query has several statements");
  }
  if (sqlite3_stmt_readonly(handle.get()) == 0 || sqlite3_column_count(handle.get()) == 0) {
    return fail(ErrorCode::invalid, "the query does more than to read rows");
  }
  return Statement(
      std::make_unique<Statement::State>(Statement::State{connection_, std::move(handle)}));
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  TRY(statement, prepare(sql));
  TRY(row, statement.step());
  if (!row) return fail(ErrorCode::not_found, path() + ": no row");
  return statement.integer(0);
}

Result<std::string> Database::text(std::string_view sql) {
  TRY(statement, prepare(sql));
  TRY(row, statement.step());
  if (!row) return fail(ErrorCode::not_found, path() + ": no row");
  return statement.text(0);
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_->handle) == 0; }

std::int64_t Database::changes() const { return sqlite3_changes64(connection_->handle); }

const std::string& Database::path() const { return connection_->path; }

Result<std::uint32_t> Database::data_version() const {
  unsigned version = 0;
  if (sqlite3_file_control(connection_->handle, "main", SQLITE_FCNTL_DATA_VERSION, &version) !=
      SQLITE_OK) {
    return std::unexpected(connection_->error("cannot tell its data version"));
  }
  return version;
}

Status Database::copy_to(Database& destination, const Until& until, const Clock& clock,
                         const std::function<Status()>& may) {
  // In WAL mode a reader's snapshot hinders no writer, and without one each foreign commit would
  // start the copy again.
  TRY(mode, text("PRAGMA journal_mode"));
  const bool snapshot = mode == "wal" && !in_transaction();
  if (snapshot) TRY_OK(execute("BEGIN"));
  struct EndSnapshot {
    Database* of;
    ~EndSnapshot() {
      if (of != nullptr) static_cast<void>(of->execute("ROLLBACK"));
    }
  } const end_snapshot{snapshot ? this : nullptr};
  if (snapshot) TRY_OK(integer("SELECT count(*) FROM sqlite_schema"));

  Connection& to = *destination.connection_;
  sqlite3_busy_timeout(to.handle, 0);  // waiting is done below, where it can be stopped
  struct BusyAgain {
    Connection& of;
    ~BusyAgain() { of.busy_by_default(); }
  } const busy_again{to};
  sqlite3_backup* backup = sqlite3_backup_init(to.handle, "main", connection_->handle, "main");
  if (backup == nullptr) return std::unexpected(to.error("cannot copy into it"));
  to.told(Side::before);
  Status ended;
  int code = SQLITE_OK;
  bool asked = !may;
  do {
    code = sqlite3_backup_step(backup, asked ? kPagesPerStep : 0);  // none: only its lock
    if (!asked && code == SQLITE_OK) {
      asked = true;
      ended = may();
    }
    if (until.stop.requested()) ended = fail(ErrorCode::stopped, path() + ": copying was stopped");
    const bool locked = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
    if (ended && code != SQLITE_DONE) ended = clock.pause(locked ? kLockPause : 0ms, until);
    if (locked && ended) code = SQLITE_OK;
  } while (code == SQLITE_OK && ended);
  sqlite3_backup_finish(backup);  // what was not finished is rolled back
  if (code == SQLITE_DONE) {
    to.told(Side::after);
    return {};
  }
  return ended ? std::unexpected(to.error("cannot copy " + path() + " into it")) : ended;
}

std::string sqlite_version() { return sqlite3_libversion(); }

}  // namespace gameday
