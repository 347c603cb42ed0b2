// What is in a SQLite database, apart from how its file holds it: the schema's statements and every
// table's rows. Reads and rewrites it through an open connection, inside the caller's transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/sys/sqlite.h"

namespace gameday {

struct SqliteContent {
  // Of all of it: equal digests mean the same tables, indexes, views, triggers, rows and rowids.
  // SQLite's own tables and the header's numbers are not part of it.
  std::string digest;
  std::string schema;  // a digest of the schema's statements alone
  std::int64_t tables = 0;
  std::int64_t rows = 0;
};
[[nodiscard]] Json to_json(const SqliteContent& content);

// Of the database `schema` of that connection ("main", or an attached one's name).
[[nodiscard]] Result<SqliteContent> read_content(Database& database,
                                                 const std::string& schema = "main");
// How the rows of one table are reached.
struct TableShape {
  std::string name;
  bool without_rowid = false;
  std::vector<std::string> columns;  // that are stored by a writer: generated ones are not
  std::vector<std::string> key;      // the primary key's columns, in its order
  std::string rowid;                 // the name under which the rowid can be reached; may be none
};
[[nodiscard]] Result<TableShape> read_shape(Database& database, const std::string& schema,
                                            const std::string& table);
// The columns of a row with its rowid first, for a SELECT and an INSERT alike.
[[nodiscard]] std::string selected(const TableShape& shape);
[[nodiscard]] std::string sql_name(std::string_view name);

// The digest of a database without anything in it.
[[nodiscard]] std::string empty_content_digest();

// unsupported: what is in there could not be written again from a copy (virtual tables, functions
// or collations that only the application has).
[[nodiscard]] Status check_rewritable(Database& database);

// Drops every table, view, index and trigger of `main`.
[[nodiscard]] Status drop_content(Database& database);
// Makes everything of the attached database `from` anew in `main`, which is empty: tables with
// their rows and rowids first, then indexes, views and triggers.
[[nodiscard]] Status fill_content(Database& database, const std::string& from);

// corrupt: what PRAGMA integrity_check found.
[[nodiscard]] Status check_integrity(Database& database, const std::string& schema = "main");

}  // namespace gameday
