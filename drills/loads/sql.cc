#include <algorithm>
#include <array>

#include "drills/systems/postgres_rights.h"
#include "engine/base/units.h"
#include "engine/load/load_client.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "connection",
     .help = "A target with a `postgres` facet, or a connection as libpq takes it, its password "
             "being ${env:NAME} or ${file:PATH}.",
     .required = true},
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many sessions at most write at once, opened as they are needed; without it as "
             "many as a stall of `timeout` needs, 32 at most. What waits for one is late by our "
             "fault, and its second is marked.",
     .least = 1,
     .most = 500},
    {.name = "write",
     .help = "One statement, committed by itself, which must change a row. {key}, {digest}, "
             "{drill} and {seq} are its values, and stand without quotes.",
     .required = true},
    {.name = "list",
     .help = "Gives key and digest of every row of {drill}, in this order. With it or `read` the "
             "load keeps a ledger; without it phantoms are not assessed."},
    {.name = "read", .help = "Gives the digest of each row under {key}."},
    {.name = "remove", .help = "Removes all rows of {drill}; needed with a ledger."},
};

constexpr std::array<std::string_view, 4> kNames = {"key", "digest", "drill", "seq"};
constexpr std::string_view kStatements[] = {"write", "list", "read", "remove"};
constexpr std::string_view kNoSuchTable = "42P01";

// A statement with $1, $2 ... where names stood, so that nothing in a value is ever SQL.
struct Statement {
  std::string sql;
  std::vector<std::string_view> names;

  [[nodiscard]] std::vector<std::string> values(const WriteNames& given) const {
    std::vector<std::string> found;
    for (const auto name : names) {
      found.push_back(name == "key"      ? given.key
                      : name == "digest" ? given.digest
                      : name == "drill"  ? given.drill
                                         : given.seq);
    }
    return found;
  }
};

Statement statement_of(std::string_view pattern) {
  Statement made;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    made.sql += pattern.substr(0, open);
    if (open == pattern.npos) break;
    pattern.remove_prefix(open);
    const auto name = std::ranges::find_if(kNames, [&](std::string_view n) {
      return pattern.substr(1).starts_with(n) && pattern.substr(1 + n.size()).starts_with('}');
    });
    if (name == kNames.end()) {
      made.sql += '{';
      pattern.remove_prefix(1);
      continue;
    }
    auto at = std::ranges::find(made.names, *name);
    if (at == made.names.end()) at = made.names.insert(at, *name);
    made.sql += '$' + std::to_string(at - made.names.begin() + 1);
    pattern.remove_prefix(name->size() + 2);
  }
  return made;
}

Statement statement_in(const Undo& undo, std::string_view name) {
  return statement_of(undo.arguments.get("statements").text(name));
}

WriteNames names_of(const Undo& undo) { return {"", "", undo.arguments.text("drill"), ""}; }

bool keeps_ledger(const Json& arguments) {
  return !arguments.text("list").empty() || !arguments.text("read").empty();
}

std::string shown(const Json& arguments) {
  // A connection may hold what is nobody's business; a target's name does not.
  const std::string connection = arguments.text("connection");
  const bool is_target = connection.find_first_of("=:") == std::string::npos;
  return (is_target ? connection + ": " : "") + arguments.text("write");
}

std::optional<WrongField> check(const LoadSpec& spec, const System& system) {
  const Json& arguments = spec.arguments;
  if (const auto settings = postgres_settings(arguments.text("connection"), system); !settings) {
    return WrongField{"connection", settings.error().text};
  }
  for (const auto name : kStatements) {
    const std::string written = arguments.text(name);
    for (const auto value : kNames) {
      if (!written.contains("'{" + std::string(value) + "}'")) continue;
      return WrongField{std::string(name), "{" + std::string(value) +
                                               "} stands in quotes, which would make it a text of "
                                               "its own; it is a value already"};
    }
  }
  if (!keeps_ledger(arguments)) return {};
  constexpr std::pair<std::string_view, std::string_view> kNeeds[] = {
      {"write", "{key}"}, {"write", "{digest}"}, {"list", "{drill}"}, {"read", "{key}"}};
  for (const auto& [name, value] : kNeeds) {
    const std::string written = arguments.text(name);
    if (written.empty() || written.contains(value)) continue;
    return WrongField{std::string(name),
                      "a load with a ledger needs " + std::string(value) + " in it"};
  }
  const std::string remove = arguments.text("remove");
  if (remove.empty()) return WrongField{"", "it has no `remove`: what it writes would stay"};
  if (!remove.contains("{drill}")) {
    return WrongField{"remove", "without {drill} it would remove what is not the drill's"};
  }
  return {};
}

Result<Postgres> open(const Undo& undo, const DeedContext& context) {
  TRY(settings, connection_in(undo));
  return open_postgres(settings, context);
}

// Whoever undoes has another environment: what the session has by it goes into the undo. What the
// playbook says stays as it is, several hosts too, so that the load finds the one that takes over.
Result<Undo> prepare(const LoadSpec& spec, const DeedContext& context) {
  TRY(settings, postgres_settings(spec.arguments.text("connection"), context.system));
  TRY(session, open_postgres(settings, context));
  PostgresSettings kept = session.settings();
  for (const auto& [keyword, value] : settings) set_setting(kept, keyword, value);
  Json statements = Json::object();
  for (const auto name : kStatements) {
    const std::string written = spec.arguments.text(name);
    if (!written.empty()) statements.set(name, written);
  }
  return Undo{"load-sql", Json::object({{"load", spec.name},
                                        {"drill", context.drill},
                                        {"timeout_s", seconds(spec.timeout)},
                                        {"connection", to_json(kept)},
                                        {"statements", std::move(statements)}})};
}

// The name in 'sales.facts_id_seq'::regclass, with which the text begins; empty: with none such.
std::string sequence_at(std::string_view text) {
  if (!text.starts_with('\'')) return "";
  std::string name;
  text.remove_prefix(1);
  for (; !text.empty() && (text.front() != '\'' || text.starts_with("''")); text.remove_prefix(1)) {
    if (text.front() == '\'') text.remove_prefix(1);
    name += text.front();
  }
  return text.starts_with("'::regclass)") ? name : "";
}

// A value out of a sequence is taken when a statement is done, not when it is explained; the plan
// names it. That of an identity column, which it writes otherwise, comes with the table.
Status may_draw(std::string_view plan, Postgres& session) {
  constexpr std::string_view kBegins = "nextval(";
  for (auto at = plan.find(kBegins); at != plan.npos; at = plan.find(kBegins)) {
    plan.remove_prefix(at + kBegins.size());
    const std::string name = sequence_at(plan);
    if (name.empty()) continue;
    TRY_OK(check_right(session, {"SELECT has_sequence_privilege($1, 'USAGE, UPDATE')",
                                 {name},
                                 "we have no USAGE on the sequence " + name,
                                 "GRANT USAGE ON SEQUENCE it to gameday's role"}));
  }
  return {};
}

// The server looks for tables, types and rights when a statement is explained, and does nothing.
Status may(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  const WriteNames names{context.drill + "-000000", std::string(32, '0'), context.drill, "0"};
  for (const auto name : kStatements) {
    const Statement statement = statement_in(undo, name);
    if (statement.sql.empty()) continue;
    TRY_OK(session.begin(PostgresAccess::read_only));
    const auto told = session.ask("EXPLAIN (VERBOSE) " + statement.sql, statement.values(names));
    if (!told) return std::unexpected(told.error().in("`" + std::string(name) + "`"));
    for (std::size_t row = 0; row < told->rows.size(); ++row) {
      TRY_OK(may_draw(told->text(row, 0), session));
    }
    TRY_OK(session.commit());
  }
  return {};
}

class SqlClient : public LoadClient {
 public:
  SqlClient(Postgres session, Statement write)
      : session_(std::move(session)), write_(std::move(write)) {}

  Written write(const WriteNames& names) override {
    const auto done = session_.change(write_.sql, write_.values(names));
    if (done && done->changed > 0) return {SampleOutcome::ok};
    if (done) return {SampleOutcome::refused};  // it said nothing against it, and wrote nothing
    const std::string state = session_.sqlstate();
    if (in_doubt(state)) return {SampleOutcome::unknown, false};
    // A standby: where there are several hosts, another one may take writes by now.
    return {SampleOutcome::refused, state != "25006"};
  }

 private:
  // A statement that failed was rolled back. A session that was ended may have committed before.
  static bool in_doubt(std::string_view state) {
    constexpr std::string_view kEnds[] = {"57P", "08", "XX", "58", "40003"};
    return state.empty() ||
           std::ranges::any_of(kEnds, [&](auto end) { return state.starts_with(end); });
  }

  Postgres session_;
  const Statement write_;
};

Result<std::unique_ptr<LoadClient>> connect(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  // What we have given up would else wait on, for a lock or for its standby, and be done when its
  // rows have long been removed.
  constexpr double kLater = 0.5;
  const double most_s = undo.arguments.number("timeout_s", 1) + kLater;
  TRY(bound, session.ask("SELECT set_config('statement_timeout', $1, false)",
                         {std::to_string(static_cast<std::int64_t>(most_s * 1000))}));
  return std::make_unique<SqlClient>(std::move(session), statement_in(undo, "write"));
}

class SqlReader : public LedgerReader {
 public:
  SqlReader(Postgres session, const Undo& undo)
      : session_(std::move(session)),
        names_(names_of(undo)),
        list_(statement_in(undo, "list")),
        read_(statement_in(undo, "read")) {}

  bool lists() const override { return !list_.sql.empty(); }
  bool reads() const override { return !read_.sql.empty(); }

  Result<std::vector<ReadRow>> list() override {
    TRY(told, ask(list_, names_));
    std::vector<ReadRow> rows;
    for (std::size_t row = 0; row < told.rows.size(); ++row) {
      rows.push_back({told.text(row, 0), told.text(row, 1)});
    }
    return rows;
  }

  Result<std::vector<std::string>> by_key(const WriteNames& names) override {
    TRY(told, ask(read_, names));
    std::vector<std::string> digests;
    for (std::size_t row = 0; row < told.rows.size(); ++row) digests.push_back(told.text(row, 0));
    return digests;
  }

 private:
  // In a table that is not there stands nothing; it was there when the load began.
  Result<PostgresRows> ask(const Statement& statement, const WriteNames& names) {
    auto told = session_.ask(statement.sql, statement.values(names));
    if (!told && session_.sqlstate() == kNoSuchTable) return PostgresRows{};
    return told;
  }

  Postgres session_;
  const WriteNames names_;
  const Statement list_, read_;
};

Result<std::unique_ptr<LedgerReader>> reader(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  return std::make_unique<SqlReader>(std::move(session), undo);
}

Status undo_load(const Undo& undo, const DeedContext& context) {
  const Statement remove = statement_in(undo, "remove");
  if (remove.sql.empty()) return {};
  TRY(session, open(undo, context));
  TRY_OK(session.begin(PostgresAccess::read_write));
  const auto removed = session.change(remove.sql, remove.values(names_of(undo)));
  if (!removed && session.sqlstate() == kNoSuchTable) return {};
  if (!removed) return std::unexpected(removed.error());
  return session.commit();
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  const Statement list = statement_in(undo, "list");
  if (statement_in(undo, "remove").sql.empty()) {
    return Proof{true, "this load declares nothing to clean up", {}};
  }
  if (list.sql.empty()) return Proof{true, "removed; there is no list to look at", {}};
  TRY(session, open(undo, context));
  SqlReader reader(std::move(session), undo);
  TRY(rows, reader.list());
  return Proof{rows.empty(), std::to_string(rows.size()) + " rows of this drill are listed", {}};
}

}  // namespace

extern const LoadRow sql_load;
const LoadRow sql_load{
    .name = "sql",
    .summary =
        "Writes rows into PostgreSQL, each a transaction of its own; what is acknowledged is "
        "committed, and is read back from the table.",
    .fields = kFields,
    .rights =
        "CONNECT on the database; USAGE on the table's schema; INSERT, SELECT and DELETE on the "
        "table, as its statements have it, and USAGE on the sequences that fill its columns",
    .example =
        "facts: { rate: 100/s, sql: { connection: database, "
        "write: \"INSERT INTO facts (key, digest, drill) VALUES ({key}, {digest}, {drill})\", "
        "list: \"SELECT key, digest FROM facts WHERE drill = {drill}\", "
        "read: \"SELECT digest FROM facts WHERE key = {key}\", "
        "remove: \"DELETE FROM facts WHERE drill = {drill}\" } }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = &connect,
    .reader = &reader,
    .undo = &undo_load,
    .gone = &gone,
};

}  // namespace gameday
