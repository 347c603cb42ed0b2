#include "engine/sys/postgres.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/base/assert.h"
#include "engine/base/text.h"
#include "engine/sys/host_names.h"

namespace gameday {
namespace {

constexpr std::size_t kLargestAnswer = 16 << 20;
constexpr int kUsualPort = 5432;

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, CloseConnection>;
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, ClearResult>;
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// By the class of a SQLSTATE, its first two letters, and by some of its members.
ErrorCode code_of(std::string_view state) {
  constexpr std::pair<std::string_view, ErrorCode> kCodes[] = {
      {"3D000", ErrorCode::not_found}, {"42P01", ErrorCode::not_found},
      {"42704", ErrorCode::not_found}, {"3F000", ErrorCode::not_found},
      {"42501", ErrorCode::refused},   {"53300", ErrorCode::refused},
      {"25006", ErrorCode::refused},   {"57014", ErrorCode::timed_out},
      {"25P03", ErrorCode::timed_out}, {"55P03", ErrorCode::conflict},
      {"53100", ErrorCode::no_space},  {"28", ErrorCode::refused},
      {"23", ErrorCode::conflict},     {"40", ErrorCode::conflict},
      {"55", ErrorCode::conflict},     {"42", ErrorCode::invalid},
      {"22", ErrorCode::invalid},      {"XX", ErrorCode::corrupt}};
  for (const auto& [begin, code] : kCodes) {
    if (state.starts_with(begin)) return code;
  }
  return ErrorCode::failed;
}

// libpq has no SQLSTATE of a connection that was refused but in its words, where it is asked for
// them at length: "FATAL:  28P01: password authentication failed ...".
struct Refusal {
  std::string text;
  std::string state;
};

Refusal refusal_in(std::string_view told) {
  constexpr std::size_t kState = 5;
  Refusal refusal;
  for (const auto& part : split(told, '\n')) {
    std::string line(trimmed(part));
    if (line.empty() || line.starts_with("LOCATION:")) continue;
    for (auto at = line.find(":  "); at != std::string::npos; at = line.find(":  ", at + 1)) {
      const std::string state = line.substr(at + 3, kState);
      const bool is_one = line.substr(at + 3 + state.size()).starts_with(": ") &&
                          std::ranges::all_of(state, [](unsigned char c) {
                            return std::isdigit(c) != 0 || std::isupper(c) != 0;
                          });
      if (!is_one) continue;
      refusal.state = state;
      line.replace(at + 1, 2 + kState + 1, "");
      break;
    }
    refusal.text += (refusal.text.empty() ? "" : "; ") + line;
  }
  if (!refusal.state.empty()) refusal.text += " (SQLSTATE " + refusal.state + ")";
  return refusal;
}

PostgresSettings without_defaults(PGconn* connection) {
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfo(connection));
  PostgresSettings settings;
  for (const auto* option = options.get(); option && option->keyword != nullptr; ++option) {
    const std::string value = option->val != nullptr ? option->val : "";
    const bool usual = option->compiled != nullptr && value == option->compiled;
    if (value.empty() || usual || is_secret_setting(option->keyword)) continue;
    settings.emplace_back(option->keyword, value);
  }
  return settings;
}

Connection started(const PostgresSettings& settings) {
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  Connection connection(PQconnectStartParams(keywords.data(), values.data(), 0));
  GD_ASSERT(connection != nullptr);
  return connection;
}

// What libpq makes of the settings, the environment and a service file together. It tells only of a
// connection: of one that it refuses to begin, before it looks up any name.
PostgresSettings gathered(PostgresSettings settings) {
  constexpr const char* kAttributes = "target_session_attrs";
  const std::string wanted = setting_of(settings, kAttributes);
  set_setting(settings, kAttributes, "none-such");
  auto all = without_defaults(started(settings).get());
  set_setting(all, kAttributes, wanted);
  return all;
}

struct Hosts {
  std::string names, addresses, ports;
  void add(const std::string& name, const std::string& address, const std::string& port) {
    const std::string comma = count++ == 0 ? "" : ",";
    names += comma + name;
    addresses += comma + address;
    ports += comma + port;
  }
  int count = 0;
};

// libpq would look up names itself, and not come back before it has: a stop could not end that.
Result<PostgresSettings> with_addresses(PostgresSettings settings, const Clock& clock,
                                        const Until& until) {
  const auto all = gathered(settings);
  const std::string written = setting_of(all, "host");
  if (written.empty() || !setting_of(all, "hostaddr").empty()) return settings;
  const auto names = split(written, ',');
  const auto ports = split(setting_of(all, "port"), ',');
  Hosts hosts;
  for (std::size_t number = 0; number < names.size(); ++number) {
    const std::string& name = names[number];
    const std::string port = ports[std::min(number, ports.size() - 1)];
    if (name.empty() || name.starts_with('/') || name.starts_with('@')) {
      hosts.add(name, "", port);
      continue;
    }
    TRY(found, addresses_of(name, kUsualPort, clock, until));
    for (const auto& address : found) hosts.add(name, address.number(), port);
  }
  set_setting(settings, "host", hosts.names);
  if (hosts.addresses.find_first_not_of(',') == std::string::npos) return settings;
  set_setting(settings, "hostaddr", hosts.addresses);
  set_setting(settings, "port", hosts.ports);
  return settings;
}

std::string field_of(const PGresult* result, int field) {
  const char* value = PQresultErrorField(result, field);
  return value != nullptr ? value : "";
}

}  // namespace

struct Postgres::Session {
  Connection connection;
  PostgresSettings settings;
  std::string shown;
  std::string sqlstate;
  const Clock* clock = nullptr;
  Until until;
  WriteObserver observer;

  [[nodiscard]] Error error(const PGresult* result);
  [[nodiscard]] Error lost();
  [[nodiscard]] Status connect();
  [[nodiscard]] Status wait(short events) const;
  [[nodiscard]] Status send(const std::string& sql, const std::vector<std::string>& values);
  [[nodiscard]] Result<Answer> next();
  [[nodiscard]] Status take(const PGresult* result, PostgresRows& into, std::size_t& bytes);
  [[nodiscard]] Result<PostgresRows> query(const std::string& sql,
                                           const std::vector<std::string>& values);
  void told(Side side) const {
    if (observer) observer("postgres", side);
  }
};

Error Postgres::Session::error(const PGresult* result) {
  sqlstate = field_of(result, PG_DIAG_SQLSTATE);
  std::string text = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  if (text.empty()) return lost();
  const std::string detail = field_of(result, PG_DIAG_MESSAGE_DETAIL);
  if (!detail.empty()) text += " (" + detail + ")";
  return {code_of(sqlstate), shown + ": " + text + " (SQLSTATE " + sqlstate + ")",
          field_of(result, PG_DIAG_MESSAGE_HINT)};
}

Error Postgres::Session::lost() {
  const Refusal refusal = refusal_in(PQerrorMessage(connection.get()));
  sqlstate = refusal.state;
  return {code_of(refusal.state), shown + ": " + refusal.text, ""};
}

Status Postgres::Session::wait(short events) const {
  const auto seen = wait_for(PQsocket(connection.get()), events, *clock, until);
  return seen ? Status() : std::unexpected(seen.error().in(shown));
}

Status Postgres::Session::connect() {
  // At length, because it is the only way to learn a SQLSTATE here.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection.get(), [](void*, const PGresult*) {}, nullptr);
  auto state = PGRES_POLLING_WRITING;
  while (PQstatus(connection.get()) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
         state != PGRES_POLLING_FAILED) {
    TRY_OK(wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT));
    state = PQconnectPoll(connection.get());
  }
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    const Refusal refusal = refusal_in(PQerrorMessage(connection.get()));
    return fail(code_of(refusal.state), "cannot connect to PostgreSQL: " + refusal.text);
  }
  PQsetnonblocking(connection.get(), 1);
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  const std::string host = PQhost(connection.get()), port = PQport(connection.get());
  shown = std::string(PQdb(connection.get())) + " at " + host + ":" + port;
  settings = without_defaults(connection.get());
  // There may have been several; an undo must come back to this one.
  for (const auto* gone :
       {"hostaddr", "target_session_attrs", "application_name", "client_encoding", "service"}) {
    set_setting(settings, gone, "");
  }
  set_setting(settings, "host", host);
  set_setting(settings, "port", port);
  return {};
}

Status Postgres::Session::send(const std::string& sql, const std::vector<std::string>& values) {
  std::vector<const char*> texts;
  for (const auto& value : values) texts.push_back(value.c_str());
  // One statement alone: what stands behind a semicolon is an error of the server's.
  if (PQsendQueryParams(connection.get(), sql.c_str(), static_cast<int>(texts.size()), nullptr,
                        texts.data(), nullptr, nullptr, 0) == 0) {
    return std::unexpected(lost());
  }
  PQsetSingleRowMode(connection.get());
  while (true) {
    const int left = PQflush(connection.get());
    if (left == 0) return {};
    if (left < 0) return std::unexpected(lost());
    TRY_OK(wait(POLLIN | POLLOUT));
    if (PQconsumeInput(connection.get()) == 0) return std::unexpected(lost());
  }
}

Result<Answer> Postgres::Session::next() {
  while (PQisBusy(connection.get()) != 0) {
    TRY_OK(wait(POLLIN));
    if (PQconsumeInput(connection.get()) == 0) return std::unexpected(lost());
  }
  return Answer(PQgetResult(connection.get()));
}

Status Postgres::Session::take(const PGresult* result, PostgresRows& into, std::size_t& bytes) {
  const int columns = PQnfields(result);
  const bool first = into.columns.empty();
  for (int column = 0; first && column < columns; ++column) {
    into.columns.emplace_back(PQfname(result, column));
    into.types.push_back(PQftype(result, column));
  }
  for (int row = 0; row < PQntuples(result); ++row) {
    auto& values = into.rows.emplace_back();
    for (int column = 0; column < columns; ++column) {
      const bool is_null = PQgetisnull(result, row, column) != 0;
      const auto length = static_cast<std::size_t>(PQgetlength(result, row, column));
      bytes += length + 1;
      values.push_back(is_null ? std::optional<std::string>()
                               : std::string(PQgetvalue(result, row, column), length));
    }
  }
  if (bytes <= kLargestAnswer) return {};
  return fail(ErrorCode::invalid, shown + ": the answer is longer than 16 MiB");
}

Result<PostgresRows> Postgres::Session::query(const std::string& sql,
                                              const std::vector<std::string>& values) {
  sqlstate.clear();
  TRY_OK(send(sql, values));
  PostgresRows rows;
  std::size_t bytes = 0;
  std::optional<Error> wrong;
  while (true) {
    TRY(answer, next());
    if (!answer) break;
    switch (PQresultStatus(answer.get())) {
      case PGRES_SINGLE_TUPLE:
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK: TRY_OK(take(answer.get(), rows, bytes)); break;
      case PGRES_EMPTY_QUERY:
        wrong = Error{ErrorCode::invalid, shown + ": there is no statement in it", ""};
        break;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH: return fail(ErrorCode::unsupported, shown + ": COPY is not for us");
      default:
        if (!wrong) wrong = error(answer.get());
    }
    const std::string_view changed(PQcmdTuples(answer.get()));
    std::from_chars(changed.data(), changed.data() + changed.size(), rows.changed);
    // A commit of what has failed is done as a rollback, and is no error to the server.
    if (sql == "COMMIT" && std::string_view(PQcmdStatus(answer.get())) == "ROLLBACK") {
      wrong = Error{ErrorCode::failed, shown + ": the transaction was rolled back", ""};
    }
  }
  if (wrong) return std::unexpected(*wrong);
  return rows;
}

Postgres::Postgres(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Postgres::Postgres(Postgres&&) noexcept = default;
Postgres& Postgres::operator=(Postgres&&) noexcept = default;
Postgres::~Postgres() = default;

Result<Postgres> Postgres::open(const PostgresSettings& settings, const Clock& clock,
                                const Until& until, PostgresOptions options) {
  TRY(all, with_addresses(settings, clock, until));
  set_setting(all, "client_encoding", "UTF8");
  set_setting(all, "application_name", options.name);
  auto session = std::make_unique<Session>();
  session->clock = &clock;
  session->until = until;
  session->observer = std::move(options.observer);
  session->shown = "PostgreSQL";
  session->connection = started(all);
  TRY_OK(session->connect());
  return Postgres(std::move(session));
}

Result<PostgresRows> Postgres::ask(const std::string& sql, const std::vector<std::string>& values) {
  return session_->query(sql, values);
}

Result<PostgresRows> Postgres::change(const std::string& sql,
                                      const std::vector<std::string>& values) {
  session_->told(Side::before);
  auto rows = session_->query(sql, values);
  session_->told(Side::after);
  return rows;
}

// A little later than we would: of the two, whose words are clearer is to be first. And where the
// server can, it looks whether we are still there.
Status Postgres::begin(PostgresAccess access) {
  constexpr int kLater = 500;
  constexpr int kLooksForClients = 140000;
  TRY(begun,
      ask(access == PostgresAccess::read_only  ? "BEGIN READ ONLY"
          : access == PostgresAccess::snapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                               : "BEGIN"));
  const std::string left = std::to_string(
      poll_milliseconds(session_->clock->now().boot, session_->until.deadline) + kLater);
  TRY(bound, ask("SELECT set_config('statement_timeout', $1, true), "
                 "set_config('idle_in_transaction_session_timeout', $1, true)",
                 {left}));
  if (version() < kLooksForClients) return {};
  TRY(looks, ask("SELECT set_config('client_connection_check_interval', '200ms', true)"));
  return {};
}

Status Postgres::commit() {
  TRY(done, change("COMMIT"));
  return {};
}

const PostgresSettings& Postgres::settings() const { return session_->settings; }
const std::string& Postgres::shown() const { return session_->shown; }
int Postgres::version() const { return PQserverVersion(session_->connection.get()); }
std::string Postgres::sqlstate() const { return session_->sqlstate; }

}  // namespace gameday
