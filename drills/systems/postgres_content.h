// What is in a PostgreSQL database, as SQL tells it: the rows of every table, whatever their order,
// and the schema. The same before a backup and after its restore, whoever owns it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/json.h"
#include "engine/sys/postgres.h"

namespace gameday {

struct PostgresContent {
  // Of all of it: equal digests mean the same tables, columns, indexes, constraints, views,
  // functions, triggers and rows. Not owners, privileges and where sequences stand, which is no
  // part of a snapshot.
  std::string digest;
  std::string schema;  // of the schema alone
  std::int64_t tables = 0;
  std::int64_t rows = 0;
};
[[nodiscard]] Json to_json(const PostgresContent& content);

// In the caller's transaction, which is to be a snapshot where others write. What gameday keeps in
// schemas of its own, and what extensions brought, is no part of it. refused: rows that we may not
// see.
[[nodiscard]] Result<PostgresContent> read_content(Postgres& session);

}  // namespace gameday
