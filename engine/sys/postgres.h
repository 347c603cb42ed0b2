// The door to PostgreSQL: connecting, asking, changing, each ended by a stop or a deadline. What
// libpq knows stays as it is: PG* variables, service files, .pgpass, TLS. It knows no table of
// anybody's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

// libpq's keywords and their values: {"host", "/run/postgresql"}, {"dbname", "shop"}. What is not
// given comes from the environment, a service file, and libpq's own defaults.
using PostgresSettings = std::vector<std::pair<std::string, std::string>>;

// Of a connection URI, or of "keyword=value ...". ${...} in a value stays as it is, whatever
// characters are in it. `invalid`: it is neither, or has a keyword that libpq does not know.
[[nodiscard]] Result<PostgresSettings> postgres_settings_of(std::string_view written);
[[nodiscard]] std::string setting_of(const PostgresSettings& settings, std::string_view keyword);
void set_setting(PostgresSettings& settings, std::string_view keyword, std::string value);
// Whether it is not to be shown: a password, or the like.
[[nodiscard]] bool is_secret_setting(std::string_view keyword);
// "host=/run/postgresql dbname=shop", without secrets: for an argument that says where.
[[nodiscard]] std::string conninfo_of(const PostgresSettings& settings);

// An answer, as text in the server's own form; nothing is NULL.
struct PostgresRows {
  std::vector<std::string> columns;
  std::vector<unsigned> types;  // of the columns, by the server's own numbers (pg_type)
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::int64_t changed = 0;  // rows that the statement inserted, deleted, changed or gave

  // "" for NULL, and where there is no such value.
  [[nodiscard]] std::string text(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;  // 0 likewise
  [[nodiscard]] bool boolean(std::size_t row, std::size_t column) const;
};

struct PostgresOptions {
  std::string name = "gameday";  // as the server shows the session: application_name
  WriteObserver observer = {};   // told "postgres" around each change and commit
};

// A snapshot reads, and sees the database as it was at its first look.
enum class PostgresAccess { read_only, snapshot, read_write };

// One session. Errors say where and carry the server's own text and SQLSTATE: refused (a password,
// a right, a connection too many), not_found (no such database, table, role), invalid (the SQL),
// conflict (a lock, a key that is there already), no_space, corrupt, timed_out and stopped (by
// `until`, also where the server never answers), failed. After an error of `until` the session is
// of no more use. For one thread at a time.
class Postgres {
 public:
  // Every call ends by `until`.
  [[nodiscard]] static Result<Postgres> open(const PostgresSettings& settings, const Clock& clock,
                                             const Until& until, PostgresOptions options = {});
  Postgres(Postgres&&) noexcept;
  Postgres& operator=(Postgres&&) noexcept;
  ~Postgres();

  // One statement with its values as $1, $2 ...; an answer of more than 16 MiB is an error.
  [[nodiscard]] Result<PostgresRows> ask(const std::string& sql,
                                         const std::vector<std::string>& values = {});
  // The same for one that changes something.
  [[nodiscard]] Result<PostgresRows> change(const std::string& sql,
                                            const std::vector<std::string>& values = {});
  // A transaction, rolled back where the session ends without `commit`. The server ends it too,
  // when we are gone or by `until`: a statement that waits for a lock would otherwise go on without
  // us.
  [[nodiscard]] Status begin(PostgresAccess access);
  [[nodiscard]] Status commit();

  // With what libpq connected, secrets left out: enough to come back to this very server.
  [[nodiscard]] const PostgresSettings& settings() const;
  [[nodiscard]] const std::string& shown() const;  // "shop at /run/postgresql:5432"
  [[nodiscard]] int version() const;               // 150018
  [[nodiscard]] std::string sqlstate() const;      // of the last error; "" where it had none

  struct Session;  // of this door alone

 private:
  explicit Postgres(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

// The SQLSTATE in what `open` says of a server that refused; "" where none did.
[[nodiscard]] std::string sqlstate_in(std::string_view text);
// Of a connection that there was no room for: the server has as many as it may.
inline constexpr std::string_view kTooManyConnections = "53300";

// A name or a text as SQL writes it.
[[nodiscard]] std::string postgres_name(std::string_view name);
[[nodiscard]] std::string postgres_literal(std::string_view text);

}  // namespace gameday
