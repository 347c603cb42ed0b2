// PostgreSQL over libpq. Every wait has an end: a server that is paused or cut off answers nothing,
// and libpq by itself would wait for ever.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace shop {

class PgError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class PgRows {
 public:
  explicit PgRows(PGresult* result) : result_(result) {}

  int size() const { return PQntuples(result_.get()); }
  std::string text(int row, int column) const { return PQgetvalue(result_.get(), row, column); }
  int affected() const { return std::atoi(PQcmdTuples(result_.get())); }

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class PgConnection {
 public:
  // Throws when there is no session within `patience`.
  PgConnection(const std::string& server, std::chrono::milliseconds patience);

  PgRows run(const std::string& sql, const std::vector<std::string>& arguments,
             std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;

  [[noreturn]] void fail(const std::string& what) const;
  void wait(short events, Clock::time_point deadline) const;

  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

// Kept connections to the first of some servers that takes a session; for many threads. What is
// given to `with` may be run twice, so it has to bear that.
class PgPool {
 public:
  // Connection strings, separated by '|', the preferred one first.
  explicit PgPool(const std::string& servers);

  template <class Work>
  auto with(const Work& work) {
    while (true) {
      auto kept = take_idle();
      const bool reused = kept != nullptr;
      if (!reused) kept = connect();
      try {
        auto result = work(*kept);
        keep(std::move(kept));
        return result;
      } catch (const PgError&) {
        // The server was replaced since; its other kept connections are as dead as this one.
        close_idle();
        if (!reused) throw;
      }
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Server {
    std::string text;
    Clock::time_point avoid_until;
  };

  std::unique_ptr<PgConnection> take_idle();
  std::unique_ptr<PgConnection> connect();
  void keep(std::unique_ptr<PgConnection> connection);
  void close_idle();

  std::mutex mutex_;
  std::vector<Server> servers_;
  std::vector<std::unique_ptr<PgConnection>> idle_;
};

}  // namespace shop
