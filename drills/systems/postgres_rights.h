// The rights of gameday's role on a PostgreSQL server, each asked for by itself, so that the one
// that is lacking is named. Nothing is touched by it; what PUBLIC has is held too.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/postgres.h"

namespace gameday {

// In this order; refused: the first one that is lacking.
[[nodiscard]] Status check_rights(Postgres& session, const std::vector<PostgresRight>& rights);

// "pg_switch_wal()", with the types of its arguments.
[[nodiscard]] PostgresRight right_to_call(const std::string& function);
// A predefined role, by whose name alone it is told what it is for.
[[nodiscard]] PostgresRight right_of_role(const std::string& role);
// SELECT, INSERT ..., on a table as SQL writes it.
[[nodiscard]] PostgresRight right_on_table(const std::string& privilege, const std::string& table);
[[nodiscard]] PostgresRight right_to_replicate();
// What a table's or another thing's owner alone may do: `query` gives the oid of that owner.
[[nodiscard]] PostgresRight right_of_owner(const std::string& query,
                                           const std::vector<std::string>& values,
                                           const std::string& of);

// Whether every row of the database can be read; `dumped`: its sequences and large objects too.
// What extensions and gameday itself keep there does not count.
[[nodiscard]] Status may_read_all(Postgres& session, bool dumped);
// Whether we are a member of whoever owns something of what a dump of the database holds, and may
// give others what they have by it: privileges on what is the server's, and settings.
[[nodiscard]] Status may_own_all(Postgres& session);

}  // namespace gameday
