#include "drills/systems/postgres.h"

#include <algorithm>
#include <cctype>

#include "engine/base/text.h"

namespace gameday {
namespace {

// What a facet's field of the same name as libpq's keyword sets.
constexpr std::string_view kKeywords[] = {"host",    "port",    "dbname",      "user",
                                          "service", "sslmode", "sslrootcert", "password"};

// A secret in a playbook would be in the journal and in the report.
Status refuse_plain_secrets(const PostgresSettings& settings) {
  for (const auto& [keyword, value] : settings) {
    if (!is_secret_setting(keyword) || !references_in(value).empty()) continue;
    return fail(ErrorCode::refused,
                "`" + keyword + "` stands in the playbook in plain: it would be in the journal",
                "give it as ${env:NAME} or ${file:PATH}, in PGPASSWORD, .pgpass or a service file");
  }
  return {};
}

// libpq's variable for a keyword: "PGUSER", "PGSSLROOTCERT".
std::string variable_of(std::string_view keyword) {
  if (keyword == "dbname") return "PGDATABASE";
  std::string name = "PG";
  for (const char c : keyword)
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

}  // namespace

Result<PostgresSettings> postgres_settings(std::string_view written) {
  TRY(settings, postgres_settings_of(written));
  TRY_OK(refuse_plain_secrets(settings));
  return settings;
}

Result<PostgresSettings> postgres_settings(const Target& target) {
  const Json& fields = target.facets.get("postgres");
  auto settings = postgres_settings(fields.text("connection"));
  if (!settings) return std::unexpected(settings.error().in("target " + target.name));
  for (const auto keyword : kKeywords) {
    const Json* value = fields.find(keyword);
    if (value == nullptr) continue;
    set_setting(*settings, keyword,
                value->is_integer() ? std::to_string(value->integer()) : value->text());
  }
  TRY_OK(refuse_plain_secrets(*settings));
  return settings;
}

Result<PostgresSettings> postgres_settings(const std::string& written, const System& system) {
  const Target* target = system.target(written);
  if (target != nullptr && target->facets.find("postgres") != nullptr) {
    return postgres_settings(*target);
  }
  if (target != nullptr || written.find_first_of("=:") == std::string::npos) {
    return fail(ErrorCode::not_found, "no target with a `postgres` facet is called " + written);
  }
  return postgres_settings(written);
}

Result<PostgresSettings> postgres_settings(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  return postgres_settings(*target);
}

std::string session_name(const std::string& mark) { return std::string(kOurSessions) + mark; }

Result<Postgres> open_postgres(const PostgresSettings& settings, const DeedContext& context) {
  PostgresSettings revealed;
  for (const auto& [keyword, value] : settings) {
    TRY(plain, context.secrets.reveal(value));
    revealed.emplace_back(keyword, std::move(plain));
  }
  return Postgres::open(revealed, context.doors.clock, context.until,
                        {.name = session_name(context.mark), .observer = context.doors.observer});
}

Result<ChildConnection> connection_for_child(const PostgresSettings& settings,
                                             const DeedContext& context) {
  ChildConnection child;
  PostgresSettings plain;
  for (const auto& [keyword, value] : settings) {
    if (references_in(value).empty()) {
      plain.emplace_back(keyword, value);
      continue;
    }
    TRY(revealed, context.secrets.reveal(value));
    child.environment.push_back(variable_of(keyword) + "=" + revealed);
  }
  child.conninfo = conninfo_of(plain);
  return child;
}

Json to_json(const PostgresSettings& settings) {
  Json json = Json::object();
  for (const auto& [keyword, value] : settings) json.set(keyword, value);
  return json;
}

PostgresSettings kept_settings(const Postgres& session, const PostgresSettings& given) {
  PostgresSettings kept = session.settings();
  for (const auto& [keyword, value] : given) {
    // Whatever is a reference stays one.
    if (!references_in(value).empty()) set_setting(kept, keyword, value);
  }
  return kept;
}

Result<PostgresSettings> connection_in(const Undo& undo) {
  const Json& from = undo.arguments.get("connection");
  PostgresSettings settings;
  if (from.is_object()) {
    for (const auto& [keyword, value] : from.members()) {
      if (value.is_text()) settings.emplace_back(keyword, value.text());
    }
  }
  if (settings.empty()) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks its connection");
  }
  return settings;
}

Result<PostgresServer> look_at_server(Postgres& session) {
  TRY(told, session.ask("SELECT current_setting('server_version'), current_database(), "
                        "current_user, pg_is_in_recovery(), "
                        "has_function_privilege('pg_control_system()', 'EXECUTE'), "
                        "has_function_privilege('pg_control_checkpoint()', 'EXECUTE')"));
  PostgresServer server{
      told.text(0, 0), told.text(0, 1), told.text(0, 2), told.boolean(0, 3), "", ""};
  // Each by itself: who may ask for one of them need not be let ask for the other.
  if (told.boolean(0, 4)) {
    TRY(known, session.ask("SELECT system_identifier FROM pg_control_system()"));
    server.identifier = known.text(0, 0);
  }
  if (told.boolean(0, 5)) {
    TRY(known, session.ask("SELECT timeline_id FROM pg_control_checkpoint()"));
    server.timeline = known.text(0, 0);
  }
  return server;
}

std::string postgres_identity(const PostgresServer& server, const Postgres& session) {
  if (!server.identifier.empty()) return "postgres:" + server.identifier + "/" + server.database;
  return "postgres:" + setting_of(session.settings(), "host") + ":" +
         setting_of(session.settings(), "port") + "/" + server.database;
}

bool gives_numbers(const PostgresRows& answer, std::size_t column) {
  constexpr unsigned kNumbers[] = {20, 21, 23, 26, 700, 701, 1700};  // int8 ... numeric, in pg_type
  return std::ranges::find(kNumbers, answer.types[column]) != std::end(kNumbers);
}

Result<Datum> postgres_value(const PostgresSettings& settings, const std::string& question,
                             const DeedContext& context) {
  constexpr unsigned kBoolean = 16;
  TRY(session, open_postgres(settings, context));
  TRY_OK(session.begin(PostgresAccess::read_only));
  TRY(answer, session.ask(question));
  const std::size_t rows = answer.rows.size(), columns = answer.types.size();
  if (rows != 1 || columns != 1) {
    return fail(ErrorCode::invalid, "it gives " + std::to_string(rows) + " rows of " +
                                        std::to_string(columns) +
                                        " columns; one row of one column is wanted");
  }
  Datum value{answer.text(0, 0), gives_numbers(answer, 0), !answer.rows[0][0]};
  if (answer.types[0] == kBoolean) value.text = answer.boolean(0, 0) ? "true" : "false";
  return value;
}

Result<PostgresDeed> open_for(const Deed& deed, const DeedContext& context) {
  TRY(settings, postgres_settings(deed, context));
  TRY(session, open_postgres(settings, context));
  Json connection = to_json(kept_settings(session, settings));
  return PostgresDeed{std::move(session), std::move(connection)};
}

Result<Postgres> open_for(const Undo& undo, const DeedContext& context) {
  TRY(settings, connection_in(undo));
  return open_postgres(settings, context);
}

Status check_right(Postgres& session, const PostgresRight& right) {
  TRY(held, session.ask(right.sql, right.values));
  if (held.boolean(0, 0)) return {};
  return fail(ErrorCode::refused, right.lacking, right.hint);
}

}  // namespace gameday
