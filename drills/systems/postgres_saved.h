// What a deed takes out of a PostgreSQL database and keeps beside it: in a schema of its own, whose
// name and comment carry the deed's mark. Taking out and keeping are one transaction, and so are
// putting back and forgetting.
#pragma once

#include <string>

#include "drills/systems/postgres.h"

namespace gameday {

struct SavedTable {
  std::string schema, table;  // where it was: "sales", "orders"
  std::string oid;            // of the table: which one it is, whatever it is called
  std::string mark;
  bool whole = true;  // the table is moved as it is; else rows of it are
  std::string where;  // which rows
};
[[nodiscard]] Json to_json(const SavedTable& saved);
[[nodiscard]] Result<SavedTable> saved_table_from(const Json& value);

// "sales.orders", or a name that is found by the session's search path, as the table that it names.
// refused: what is named is no plain table, or could not be put back as it was.
[[nodiscard]] Result<SavedTable> find_table(const std::string& name, Postgres& session);

// Where it is kept; the same for the same mark.
[[nodiscard]] std::string saved_schema(const SavedTable& saved);
[[nodiscard]] std::string full_name(const SavedTable& saved);  // as SQL writes it

// How the database stands to it.
struct SavedLooks {
  bool kept = false;      // the schema with our mark is there
  std::string there;      // the oid of what now has the table's name; empty: nothing
  std::int64_t rows = 0;  // that are kept
  std::int64_t back = 0;  // of these, that stand in the table all the same
  std::string somebody;   // why it cannot be put back: what stands in its place
};
[[nodiscard]] Result<SavedLooks> look_at_saved(const SavedTable& saved, Postgres& session);

// Inside a transaction that the caller commits.
[[nodiscard]] Status take_out(const SavedTable& saved, Postgres& session);
[[nodiscard]] Status put_back(const SavedTable& saved, Postgres& session);
// Drops what is kept, for good.
[[nodiscard]] Status forget(const SavedTable& saved, Postgres& session);

}  // namespace gameday
