#include "drills/systems/postgres.h"
#include "engine/base/comparison.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kExpect[] = {
    {.name = "latency",
     .type = FieldType::duration,
     .help = "How long the query may take, at most, on a connection that stands; without a query "
             "that is SELECT 1."},
    {.name = "value",
     .type = FieldType::comparison,
     .help = "What the first column of the query's only row must be: a value, or a comparison like "
             "\"> 5\"."},
    {.name = "rows",
     .type = FieldType::comparison,
     .help = "How many rows the query must give; without it there must be one at least."},
    {.name = "in_recovery",
     .type = FieldType::boolean,
     .help = "True for a standby, false for a server that takes writes."},
    {.name = "lag",
     .type = FieldType::duration,
     .help = "How long replication may be behind, at most: a standby behind what it has received, "
             "or the furthest standby behind a primary. A stream that does not stand is too long."},
    {.name = "lag_bytes",
     .type = FieldType::size,
     .help = "The same in bytes of the write-ahead log."},
};

constexpr Field kFields[] = {
    {.name = "connection",
     .type = FieldType::text,
     .help = "A target with a `postgres` facet, or a connection as libpq takes it, its password "
             "being ${env:NAME} or ${file:PATH}.",
     .required = true},
    {.name = "query",
     .type = FieldType::text,
     .help = "One statement, asked in a transaction that only reads; without it, being let in is "
             "enough."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good answer is.",
     .fields = kExpect},
};

Json value_in(const PostgresRows& answer) {
  constexpr unsigned kBoolean = 16;
  if (answer.rows.empty() || answer.rows[0].empty() || !answer.rows[0][0]) return {};
  const std::string text = answer.text(0, 0);
  if (answer.types[0] == kBoolean) return text == "t";
  if (!gives_numbers(answer, 0)) return text;
  if (std::to_string(answer.integer(0, 0)) == text) return answer.integer(0, 0);
  const auto number = number_in(text);
  return number ? Json(*number) : Json(text);
}

// Whether `seen` is as the playbook expects it under that name.
Answer compared(const Json& expect, std::string_view name, const Json& seen,
                const std::string& told) {
  const auto comparison = parse_comparison(expect.text(name));
  if (!comparison) return {false, comparison.error().text};
  if (comparison->holds(seen)) return {true, told + ", " + comparison->shown()};
  return {false, "expected " + comparison->shown() + ", but " + told};
}

Answer judged(const PostgresRows& answer, const Json& expect) {
  const auto count = static_cast<std::int64_t>(answer.rows.size());
  const std::string rows =
      "the query gives " + std::to_string(count) + (count == 1 ? " row" : " rows");
  if (expect.find("rows") != nullptr) {
    const Answer counted = compared(expect, "rows", count, rows);
    if (!counted.ok || expect.find("value") == nullptr) return counted;
  }
  if (count == 0) return {false, "the query gives no row"};
  if (expect.find("value") == nullptr && count > 1) return {true, rows};
  if (count > 1) return {false, "the query gives more than one row"};
  const Json value = value_in(answer);
  const std::string told = "the query gives " + plain_text(value);
  if (expect.find("value") == nullptr) return {true, told};
  return compared(expect, "value", value, told);
}

// How far replication is behind, as this server sees it.
struct Lag {
  std::int64_t bytes = 0;
  double seconds = 0;
};

Result<Lag> lag_of_standby(Postgres& session) {
  TRY(told, session.ask("SELECT (SELECT count(*) FROM pg_stat_wal_receiver WHERE pid IS NOT NULL), "
                        "greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), "
                        "pg_last_wal_replay_lsn()), 0), CASE WHEN pg_last_wal_receive_lsn() <= "
                        "pg_last_wal_replay_lsn() THEN 0 ELSE extract(epoch FROM clock_timestamp() "
                        "- pg_last_xact_replay_timestamp()) END"));
  if (told.integer(0, 0) == 0) {
    return fail(ErrorCode::failed, "the standby receives nothing, so its lag is not known");
  }
  const auto seconds = number_in(told.text(0, 2));
  if (told.text(0, 1).empty() || !seconds) {
    return fail(ErrorCode::failed, "the standby has replayed no transaction yet");
  }
  return Lag{told.integer(0, 1), *seconds};
}

Result<Lag> lag_of_primary(Postgres& session) {
  TRY(told, session.ask("SELECT count(*), count(replay_lsn), "
                        "max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), "
                        "extract(epoch FROM max(coalesce(replay_lag, interval '0'))) "
                        "FROM pg_stat_replication"));
  if (told.integer(0, 0) == 0) {
    return fail(ErrorCode::failed, "no standby follows this server");
  }
  if (told.integer(0, 1) < told.integer(0, 0)) {
    return fail(ErrorCode::refused,
                "a standby's lag is not shown: it copies its base yet, or this role is not in "
                "pg_monitor");
  }
  return Lag{told.integer(0, 2), number_in(told.text(0, 3)).value_or(0)};
}

Answer judged_lag(const Lag& lag, const Json& expect) {
  std::string told;
  if (const auto most = size_in(expect, "lag_bytes")) {
    told = "replication is " + std::to_string(lag.bytes) + " bytes behind";
    if (lag.bytes > *most) return {false, told + ", at most " + expect.text("lag_bytes")};
  }
  if (const auto most = duration_in(expect, "lag")) {
    const auto behind = from_seconds(lag.seconds);
    told = "replication is " + shown(behind) + " behind";
    if (behind > *most) return {false, told + ", at most " + expect.text("lag")};
  }
  return {true, told};
}

Answer judged_recovery(Postgres& session, const Json& expect) {
  const bool wants_lag = expect.find("lag") != nullptr || expect.find("lag_bytes") != nullptr;
  if (expect.find("in_recovery") == nullptr && !wants_lag) return {true, ""};
  const auto told = session.ask("SELECT pg_is_in_recovery()");
  if (!told) return {false, told.error().text};
  const bool in_recovery = told->boolean(0, 0);
  const std::string seen = in_recovery ? "in recovery" : "not in recovery";
  if (in_recovery != expect.boolean("in_recovery", in_recovery)) {
    return {false, "the server is " + seen};
  }
  if (!wants_lag) return {true, seen};
  const auto lag = in_recovery ? lag_of_standby(session) : lag_of_primary(session);
  if (!lag) return {false, lag.error().text};
  return judged_lag(*lag, expect);
}

// The query's answer, within the time that it may take.
Answer timed(Postgres& session, const std::string& query, const Json& expect, const Clock& clock) {
  const Instant sent = clock.now().boot;
  const auto answer = session.ask(query.empty() ? "SELECT 1" : query);
  const Duration took = clock.now().boot - sent;
  if (!answer) return {false, answer.error().text};
  Answer value =
      query.empty() ? Answer{true, "connected to " + session.shown()} : judged(*answer, expect);
  const auto most = duration_in(expect, "latency");
  if (!value.ok || !most) return value;
  value.text += ", answered in " + shown(took);
  if (took <= *most) return value;
  return {false, value.text + ", at most " + expect.text("latency")};
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const auto settings = postgres_settings(arguments.text("connection"), context.system);
  if (!settings) return {false, settings.error().text};
  auto session = open_postgres(*settings, context);
  if (!session) return {false, session.error().text};
  // Whatever the query is, it changes nothing.
  if (const auto begun = session->begin(PostgresAccess::read_only); !begun) {
    return {false, begun.error().text};
  }
  const Json& expect = arguments.get("expect");
  const Answer recovery = judged_recovery(*session, expect);
  const std::string query = arguments.text("query");
  if (!recovery.ok) return recovery;
  if (query.empty() && !recovery.text.empty() && expect.find("latency") == nullptr) return recovery;
  Answer value = timed(*session, query, expect, context.doors.clock);
  if (value.ok && !recovery.text.empty()) value.text += "; " + recovery.text;
  return value;
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  if (const auto settings = postgres_settings(arguments.text("connection"), system); !settings) {
    return WrongField{"connection", settings.error().text};
  }
  if (!arguments.text("query").empty()) return {};
  for (const auto* name : {"value", "rows"}) {
    if (arguments.get("expect").find(name) == nullptr) continue;
    return WrongField{std::string("expect.") + name, "there is no `query` that would give it"};
  }
  return {};
}

}  // namespace

extern const ProbeRow sql_probe;
const ProbeRow sql_probe{
    .name = "sql",
    .summary =
        "Asks a PostgreSQL server, in a transaction that only reads: a query's answer, "
        "how long it takes, whether the server is in recovery, how far replication is behind.",
    .scalar = "connection",
    .fields = kFields,
    .example =
        "orders-are-there: { sql: \"postgresql://shop@127.0.0.1:5432/shop\", "
        "query: SELECT count(*) FROM orders, expect: { value: \"> 0\" } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
