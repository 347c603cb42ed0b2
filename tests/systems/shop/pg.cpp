#include "pg.h"

#include <poll.h>

#include <optional>
#include <ranges>

#include "lib/http.h"

namespace shop {

using namespace std::chrono_literals;

PgConnection::PgConnection(const std::string& server, std::chrono::milliseconds patience)
    : connection_(PQconnectStart(server.c_str())) {
  const auto deadline = Clock::now() + patience;
  if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) fail("no session");
  for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;
       next = PQconnectPoll(connection_.get())) {
    if (next == PGRES_POLLING_FAILED) fail("no session");
    wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
  }
}

PgRows PgConnection::run(const std::string& sql, const std::vector<std::string>& arguments,
                         std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::vector<const char*> values;
  for (const auto& argument : arguments) values.push_back(argument.c_str());
  if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0) {
    fail("cannot ask");
  }
  std::optional<PgRows> rows;
  while (true) {
    while (PQisBusy(connection_.get()) != 0) {
      wait(POLLIN, deadline);
      if (PQconsumeInput(connection_.get()) == 0) fail("no answer");
    }
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) break;
    const auto status = PQresultStatus(result);
    rows.emplace(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail("refused");
  }
  if (!rows) fail("no answer");
  return std::move(*rows);
}

void PgConnection::fail(const std::string& what) const {
  std::string why = connection_ ? PQerrorMessage(connection_.get()) : "out of memory";
  while (why.ends_with('\n')) why.pop_back();
  throw PgError("postgres: " + what + (why.empty() ? "" : ": " + why));
}

void PgConnection::wait(short events, Clock::time_point deadline) const {
  if (!wait_for(PQsocket(connection_.get()), events, deadline)) fail("did not answer in time");
}

PgPool::PgPool(const std::string& servers) {
  for (const auto part : servers | std::views::split('|')) {
    servers_.push_back({std::string(part.begin(), part.end()), {}});
  }
}

std::unique_ptr<PgConnection> PgPool::take_idle() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

std::unique_ptr<PgConnection> PgPool::connect() {
  std::string why = "postgres: nobody answered a moment ago";
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server server;
    {
      const std::scoped_lock lock(mutex_);
      server = servers_[i];
    }
    // One that is cut off costs all its patience, so not every request shall try it.
    if (Clock::now() < server.avoid_until) continue;
    try {
      return std::make_unique<PgConnection>(server.text, 500ms);
    } catch (const PgError& error) {
      why = error.what();
      const std::scoped_lock lock(mutex_);
      servers_[i].avoid_until = Clock::now() + 500ms;
    }
  }
  throw PgError(why);
}

void PgPool::keep(std::unique_ptr<PgConnection> connection) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(connection));
}

void PgPool::close_idle() {
  const std::scoped_lock lock(mutex_);
  idle_.clear();
}

}  // namespace shop
