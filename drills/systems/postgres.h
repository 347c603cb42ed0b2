// How a PostgreSQL database is spoken to: where it is, who we are there, what it says of itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/postgres.h"

namespace gameday {

// The connection that a playbook gives, as a URI or "keyword=value ...", or in the fields of a
// `postgres` facet; secrets still as references. refused: a password that is none.
[[nodiscard]] Result<PostgresSettings> postgres_settings(std::string_view written);
[[nodiscard]] Result<PostgresSettings> postgres_settings(const Target& target);
// Of a target by its name, or else of such a connection.
[[nodiscard]] Result<PostgresSettings> postgres_settings(const std::string& written,
                                                         const System& system);
[[nodiscard]] Result<PostgresSettings> postgres_settings(const Deed& deed,
                                                         const DeedContext& context);

// A session of this deed, which others can tell by its mark. Every call on it ends by
// `context.until`.
[[nodiscard]] Result<Postgres> open_postgres(const PostgresSettings& settings,
                                             const DeedContext& context);
// The name under which the server shows the sessions of a deed, and how that of any of ours begins.
[[nodiscard]] std::string session_name(const std::string& mark);
inline constexpr std::string_view kOurSessions = "gameday ";

// For an undo: what libpq connected to, by name, and the references of the settings it was given.
[[nodiscard]] Json to_json(const PostgresSettings& settings);
[[nodiscard]] PostgresSettings kept_settings(const Postgres& session,
                                             const PostgresSettings& given);
// The same, of an undo's `connection`. corrupt: it has none.
[[nodiscard]] Result<PostgresSettings> connection_in(const Undo& undo);

// The same for a child: what is a secret is in its environment, where nobody else sees it.
struct ChildConnection {
  std::string conninfo;
  std::vector<std::string> environment;  // NAME=value
};
[[nodiscard]] Result<ChildConnection> connection_for_child(const PostgresSettings& settings,
                                                           const DeedContext& context);

struct PostgresServer {
  std::string version;
  std::string database;
  std::string user;
  bool in_recovery = false;
  std::string timeline;    // empty: not permitted
  std::string identifier;  // the cluster's own; empty: not permitted
};
[[nodiscard]] Result<PostgresServer> look_at_server(Postgres& session);
// "postgres:7234.../shop", or, where the server does not tell us its identifier, by its address.
[[nodiscard]] std::string postgres_identity(const PostgresServer& server, const Postgres& session);

// Whether the server sends that column's values as numbers.
[[nodiscard]] bool gives_numbers(const PostgresRows& answer, std::size_t column);
// What somebody's statement gives, in a session and a transaction of its own that only reads.
// invalid: not one row of one column.
[[nodiscard]] Result<Datum> postgres_value(const PostgresSettings& settings,
                                           const std::string& question, const DeedContext& context);

// The deed's target, a session there, and what others need to come back to it.
struct PostgresDeed {
  Postgres session;
  Json connection;
};
[[nodiscard]] Result<PostgresDeed> open_for(const Deed& deed, const DeedContext& context);
[[nodiscard]] Result<Postgres> open_for(const Undo& undo, const DeedContext& context);

// A right of ours, told by a question whose answer is true where we hold it.
struct PostgresRight {
  std::string sql;
  std::vector<std::string> values;
  std::string lacking;  // "the role drill may not ..."
  std::string hint;     // what an administrator does about it
};
[[nodiscard]] Status check_right(Postgres& session, const PostgresRight& right);

}  // namespace gameday
