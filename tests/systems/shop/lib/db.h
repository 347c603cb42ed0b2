// SQLite, and groups of jobs that share one durable transaction.
#pragma once

#include <sqlite3.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shop {

class DbError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql);

  Statement& bind(int index, const std::string& value);
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);
  bool step();  // true: there is a row
  void run();   // steps to the end and makes it ready for the next binding
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Db {
 public:
  enum class Open { kExisting, kCreate };
  Db(const std::string& path, Open open, int busy_ms);

  void run(const std::string& sql);
  Statement prepare(const std::string& sql) { return {db_.get(), sql}; }
  int changes() const { return sqlite3_changes(db_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

// One thread owns the database. All jobs that wait while a transaction is being synced go into the
// next one together, so that many callers share one sync.
class Committer {
 public:
  Committer(const std::string& path, const std::string& schema);

  // Runs `work` in a transaction and returns when that is on disk; throws what `work` or the commit
  // threw. A job that throws takes its whole group down, so expected outcomes are returned.
  void run(const std::function<void(Db&)>& work);

 private:
  struct Job {
    const std::function<void(Db&)>* work;
    std::promise<void> done;
  };

  void loop(const std::stop_token& stop);
  void commit(std::vector<Job>& jobs);

  Db db_;
  std::mutex mutex_;
  std::condition_variable_any ready_;
  std::vector<Job> waiting_;
  std::jthread thread_;
};

}  // namespace shop
