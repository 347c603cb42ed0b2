#include "db.h"

#include <utility>

namespace shop {

Statement::Statement(sqlite3* db, const std::string& sql) : db_(db) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw DbError(sqlite3_errmsg(db));
  }
  statement_.reset(statement);
}

Statement& Statement::bind(int index, const std::string& value) {
  sqlite3_bind_text(statement_.get(), index, value.data(), static_cast<int>(value.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, double value) {
  sqlite3_bind_double(statement_.get(), index, value);
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  throw DbError(sqlite3_errmsg(db_));
}

void Statement::run() {
  while (step()) continue;
  sqlite3_reset(statement_.get());
}

std::string Statement::text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

Db::Db(const std::string& path, Open open, int busy_ms) {
  sqlite3* db = nullptr;
  const int create = open == Open::kCreate ? SQLITE_OPEN_CREATE : 0;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create;
  const int result = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (result != SQLITE_OK) throw DbError(path + ": " + sqlite3_errstr(result));
  sqlite3_busy_timeout(db, busy_ms);
}

void Db::run(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw DbError(sqlite3_errmsg(db_.get()));
  }
}

Committer::Committer(const std::string& path, const std::string& schema)
    : db_(path, Db::Open::kCreate, 2000) {
  db_.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + schema);
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

void Committer::run(const std::function<void(Db&)>& work) {
  Job job{&work, {}};
  auto done = job.done.get_future();
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  ready_.notify_one();
  done.get();
}

void Committer::loop(const std::stop_token& stop) {
  while (true) {
    std::vector<Job> jobs;
    {
      std::unique_lock lock(mutex_);
      if (!ready_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      jobs.swap(waiting_);
    }
    commit(jobs);
  }
}

void Committer::commit(std::vector<Job>& jobs) {
  try {
    db_.run("BEGIN IMMEDIATE");
    for (const auto& job : jobs) (*job.work)(db_);
    db_.run("COMMIT");
  } catch (...) {
    const auto error = std::current_exception();
    try {
      db_.run("ROLLBACK");
    } catch (const DbError&) {
      // SQLite has already rolled back by itself.
      static_cast<void>(error);
    }
    for (auto& job : jobs) job.done.set_exception(error);
    return;
  }
  for (auto& job : jobs) job.done.set_value();
}

}  // namespace shop
