// The door to SQLite: opening a database file, statements, transactions, and the online copy. It
// knows no table of anybody's. Only SQLite opens a database file: opening one otherwise in the same
// process drops its locks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

// `unchanging`: read only, from where nobody can write, neither locks nor a write-ahead log are
// looked at.
enum class DatabaseMode { unchanging, read_only, existing, create };

struct DatabaseOptions {
  DatabaseMode mode = DatabaseMode::existing;
  Duration busy = std::chrono::seconds(5);  // how long to wait for another one's lock
  WriteObserver observer = {};              // told "sqlite" around each write and commit
};

enum class ColumnType { null, integer, real, text, blob };

// A prepared statement. Keeps its connection open. Values are bound from 1 and read from 0, as in
// SQLite; a wrong number is a Defect.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& bind(int number, std::int64_t value);
  Statement& bind_real(int number, double value);
  Statement& bind_text(int number, std::string_view value);
  Statement& bind_blob(int number, std::string_view value);
  Statement& bind_null(int number);

  // True: a row is there to be read; false: it is done, and reset.
  [[nodiscard]] Result<bool> step();
  // Steps to the end, rows unread, and resets: for writes.
  [[nodiscard]] Status run();
  void reset();  // to be stepped again; what was bound stays

  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string name(int column) const;
  [[nodiscard]] ColumnType type(int column) const;  // as stored, before any conversion
  // Converted as SQLite does where the type is another one.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;  // the bytes of a blob too

 private:
  friend class Database;
  struct State;
  explicit Statement(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One connection. Errors carry SQLite's own text and extended code: no_space (full), conflict (busy
// or locked), corrupt (damaged, or no database), refused (read-only, no permission), not_found,
// stopped and timed_out (by a Limit), failed. To be used by one thread at a time.
class Database {
 public:
  // The file is not read before the first statement: one that is no database is found out there.
  [[nodiscard]] static Result<Database> open(const std::string& path, DatabaseOptions options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // While it lives, statements and waits for locks end at the stop or the deadline. Put aside at
  // its end; one at a time.
  class Limit {
   public:
    Limit(Database& database, const Until& until, const Clock& clock);
    ~Limit();
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

   private:
    Database& database_;
  };

  // One statement or several, rows unread.
  [[nodiscard]] Status execute(std::string_view sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  // A question that somebody else wrote. invalid: it is none, several, writes or gives no rows. No
  // value of its may be larger than 16 MiB.
  [[nodiscard]] Result<Statement> prepare_question(std::string_view sql);
  // The first column of the first row, for pragmas and counts; not_found without a row.
  [[nodiscard]] Result<std::int64_t> integer(std::string_view sql);
  [[nodiscard]] Result<std::string> text(std::string_view sql);

  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] std::int64_t changes() const;  // rows changed by the last statement
  [[nodiscard]] const std::string& path() const;

  // Makes `destination` a copy of this database by the online backup API: readers of it see the
  // old rows or the new ones, never a mixture, also where other processes have it open. A copy that
  // fails, is stopped or times out leaves the destination as it was. In WAL mode the copy is of one
  // moment, whatever is written meanwhile. Waits for others' locks until `until`. `may` is asked
  // once nobody else can write to the destination and before it is changed; its error is the
  // copy's.
  [[nodiscard]] Status copy_to(Database& destination, const Until& until, const Clock& clock,
                               const std::function<Status()>& may = {});
  // Another number than before when somebody has written since this connection last looked: a
  // statement or a copy into it looks. Told also while this is a copy's destination.
  [[nodiscard]] Result<std::uint32_t> data_version() const;

 private:
  friend class Transaction;
  friend class Statement;
  struct Connection;
  explicit Database(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> connection_;
};

// BEGIN IMMEDIATE; rolled back at its end unless committed. A commit that fails rolls back.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null once it is over
};

}  // namespace gameday
