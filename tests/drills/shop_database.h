// A SQLite database with something of everything in it, and questions to it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "engine/sys/sqlite.h"

namespace gameday {

inline constexpr const char* kEverything = R"sql(
CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, price REAL,
                    note BLOB, doubled AS (price * 2), CHECK (price < 1000));
CREATE TABLE "odd ""name"(a, "b c" TEXT COLLATE NOCASE);
CREATE TABLE stock(item TEXT, shelf INT, n INT, PRIMARY KEY(shelf, item)) WITHOUT ROWID;
CREATE TABLE strict_ones(x ANY, kept TEXT GENERATED ALWAYS AS (x || '!') STORED) STRICT;
CREATE TABLE hidden(rowid TEXT, _rowid_ TEXT, oid TEXT);
CREATE TABLE lines(order_id INT REFERENCES orders(id) ON DELETE CASCADE, what TEXT);
CREATE TABLE log(what TEXT);
CREATE INDEX lines_what ON lines(what) WHERE what IS NOT NULL;
CREATE INDEX orders_lower ON orders(lower(key));
CREATE VIEW dear AS SELECT * FROM orders WHERE price > 10;
CREATE TRIGGER logged AFTER INSERT ON lines BEGIN INSERT INTO log VALUES('line ' || new.what); END;
INSERT INTO orders(key, price, note) VALUES('a', 1.5, x'00ff'), ('b', 20, NULL), ('c', 3, '');
DELETE FROM orders WHERE key = 'c';
INSERT INTO "odd ""name"(rowid, a, "b c") VALUES(70, 1, 'x'), (5, '1', 'X'), (-3, 1.0, NULL);
INSERT INTO stock VALUES('pen', 2, 10), ('ink', 1, 5), ('cap', 2, 7);
INSERT INTO strict_ones(x) VALUES(1), ('one'), (x'01');
INSERT INTO hidden VALUES('r', 's', 't'), ('r', 's', 't'), ('a', 'b', 'c');
INSERT INTO lines VALUES(1, 'first'), (2, 'second');
PRAGMA user_version = 42;
)sql";

inline void make_database(const std::string& path, const std::string& sql,
                          const std::string& journal_mode = "wal") {
  auto database = Database::open(path, {.mode = DatabaseMode::create});
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->execute("PRAGMA journal_mode = " + journal_mode));
  const auto made = database->execute(sql);
  ASSERT_TRUE(made) << made.error().text;
}

inline void change(const std::string& path, const std::string& sql) {
  auto database = Database::open(path);
  ASSERT_TRUE(database);
  const auto done = database->execute(sql);
  ASSERT_TRUE(done) << done.error().text;
}

// The first column of the first row, or why there is none.
inline std::string asked(const std::string& path, const std::string& sql) {
  auto database = Database::open(path);
  if (!database) return database.error().text;
  auto answer = database->text(sql);
  return answer ? *answer : answer.error().text;
}

// Inserts rows one by one over a connection of its own, as an application does, and goes on when
// the table is away for a while.
class LiveWriter {
 public:
  explicit LiveWriter(std::string path) : path_(std::move(path)), thread_([this] { write(); }) {}
  ~LiveWriter() { end(); }
  LiveWriter(const LiveWriter&) = delete;
  LiveWriter& operator=(const LiveWriter&) = delete;

  void end() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] int written() const { return written_; }
  [[nodiscard]] int refused() const { return refused_; }
  [[nodiscard]] int damaged() const { return damaged_; }

 private:
  void write() {
    auto database = Database::open(path_);
    for (int n = 0; !over_; ++n) {
      const auto done =
          database->execute("INSERT INTO lines VALUES(1, 'live " + std::to_string(n) + "')");
      if (done) ++written_;
      if (!done) ++refused_;
      if (!done && done.error().code == ErrorCode::corrupt) ++damaged_;
    }
  }

  std::string path_;
  std::atomic<bool> over_{false};
  std::atomic<int> written_{0}, refused_{0}, damaged_{0};
  std::thread thread_;
};

}  // namespace gameday
