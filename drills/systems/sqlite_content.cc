#include "drills/systems/sqlite_content.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

// An object of the schema that somebody made by a statement.
struct SchemaObject {
  std::string type;
  std::string name;
  std::string sql;
};

std::string sql_names(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + sql_name(name);
  return text;
}

Result<std::vector<SchemaObject>> read_schema(Database& database, const std::string& schema) {
  TRY(statement, database.prepare("SELECT type, name, sql FROM " + sql_name(schema) +
                                  ".sqlite_schema WHERE sql IS NOT NULL AND "
                                  "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"));
  std::vector<SchemaObject> objects;
  while (true) {
    TRY(row, statement.step());
    if (!row) return objects;
    objects.push_back({statement.text(0), statement.text(1), statement.text(2)});
  }
}

// A column may be called rowid itself and then hides it.
std::string reachable_rowid(const std::vector<std::string>& columns) {
  for (const std::string name : {"rowid", "_rowid_", "oid"}) {
    if (std::ranges::none_of(columns, [&](const auto& c) { return lower(c) == name; })) {
      return name;
    }
  }
  return "";
}

// An order that the rows themselves give, so that equal tables are read equally.
std::string order_of(const TableShape& shape) {
  if (!shape.rowid.empty()) return shape.rowid;
  if (shape.without_rowid) return sql_names(shape.key);
  std::string order;
  for (const auto& column : shape.columns) {
    order += (order.empty() ? "" : ", ") + ("typeof(" + sql_name(column) + "), CAST(") +
             sql_name(column) + " AS BLOB)";
  }
  return order;
}

// A number before each piece says where it ends, so that two contents never give the same bytes.
void add_number(Sha256& digest, std::uint64_t number) {
  char bytes[8];
  for (char& byte : bytes) {
    byte = static_cast<char>(number & 0xff);
    number >>= 8;
  }
  digest.add({bytes, sizeof bytes});
}

void add_piece(Sha256& digest, std::string_view bytes) {
  add_number(digest, bytes.size());
  digest.add(bytes);
}

void add_value(Sha256& digest, const Statement& row, int column) {
  const ColumnType type = row.type(column);
  digest.add(std::string(1, static_cast<char>('0' + static_cast<int>(type))));
  switch (type) {
    case ColumnType::null: return;
    case ColumnType::integer:
      return add_number(digest, static_cast<std::uint64_t>(row.integer(column)));
    case ColumnType::real:
      return add_number(digest, std::bit_cast<std::uint64_t>(row.real(column)));
    case ColumnType::text:
    case ColumnType::blob: return add_piece(digest, row.text(column));
  }
}

Result<std::int64_t> add_rows(Sha256& digest, Database& database, const std::string& schema,
                              const std::string& table) {
  TRY(shape, read_shape(database, schema, table));
  TRY(rows, database.prepare("SELECT " + selected(shape) + " FROM " + sql_name(schema) + "." +
                             sql_name(table) + " ORDER BY " + order_of(shape)));
  std::int64_t count = 0;
  while (true) {
    TRY(row, rows.step());
    if (!row) return count;
    ++count;
    digest.add("r");
    for (int column = 0; column < rows.columns(); ++column) add_value(digest, rows, column);
  }
}

Sha256 begun_digest() {
  Sha256 digest;
  digest.add("gameday sqlite content 1\n");
  return digest;
}

bool is_virtual(const SchemaObject& object) {
  return object.type == "table" && lower(object.sql).starts_with("create virtual");
}

Status fill_table(Database& database, const std::string& from, const std::string& table) {
  TRY(shape, read_shape(database, from, table));
  const std::string columns = selected(shape);
  return database.execute("INSERT INTO main." + sql_name(table) + "(" + columns + ") SELECT " +
                          columns + " FROM " + sql_name(from) + "." + sql_name(table) +
                          " ORDER BY " + order_of(shape));
}

Result<bool> has_sequence(Database& database, const std::string& schema) {
  TRY(count, database.integer("SELECT count(*) FROM " + sql_name(schema) +
                              ".sqlite_schema WHERE name = 'sqlite_sequence'"));
  return count > 0;
}

// The numbers that AUTOINCREMENT goes on from, which a table's rows alone do not tell.
Status fill_sequence(Database& database, const std::string& from) {
  TRY(ours, has_sequence(database, "main"));
  TRY(theirs, has_sequence(database, from));
  if (!ours) return {};
  TRY_OK(database.execute("DELETE FROM main.sqlite_sequence"));
  if (!theirs) return {};
  return database.execute("INSERT INTO main.sqlite_sequence(name, seq) SELECT name, seq FROM " +
                          sql_name(from) + ".sqlite_sequence");
}

Status fill_header(Database& database, const std::string& from) {
  for (const std::string number : {"user_version", "application_id"}) {
    TRY(value, database.integer("PRAGMA " + sql_name(from) + "." + number));
    TRY_OK(database.execute("PRAGMA main." + number + " = " + std::to_string(value)));
  }
  return {};
}

}  // namespace

std::string sql_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

Result<TableShape> read_shape(Database& database, const std::string& schema,
                              const std::string& table) {
  TableShape shape{.name = table, .without_rowid = false, .columns = {}, .key = {}, .rowid = ""};
  TRY(list, database.prepare("SELECT wr FROM pragma_table_list WHERE schema = ? AND name = ?"));
  TRY(listed, list.bind_text(1, schema).bind_text(2, table).step());
  shape.without_rowid = listed && list.integer(0) != 0;
  TRY(info, database.prepare("SELECT name, pk, hidden FROM pragma_table_xinfo(?, ?) ORDER BY cid"));
  info.bind_text(1, table).bind_text(2, schema);
  std::vector<std::string> all;
  std::vector<std::pair<std::int64_t, std::string>> key;
  while (true) {
    TRY(row, info.step());
    if (!row) break;
    all.push_back(info.text(0));
    if (info.integer(1) > 0) key.emplace_back(info.integer(1), info.text(0));
    if (info.integer(2) == 0) shape.columns.push_back(info.text(0));
  }
  std::ranges::sort(key);
  for (auto& [place, name] : key) shape.key.push_back(std::move(name));
  if (!shape.without_rowid) shape.rowid = reachable_rowid(all);
  return shape;
}

std::string selected(const TableShape& shape) {
  const std::string columns = sql_names(shape.columns);
  return shape.rowid.empty() ? columns : shape.rowid + ", " + columns;
}

Json to_json(const SqliteContent& content) {
  return Json::object({{"digest", content.digest},
                       {"schema", content.schema},
                       {"tables", content.tables},
                       {"rows", content.rows}});
}

Result<SqliteContent> read_content(Database& database, const std::string& schema) {
  TRY(objects, read_schema(database, schema));
  std::ranges::sort(objects, {}, [](const auto& o) { return std::tie(o.type, o.name); });
  SqliteContent content;
  Sha256 digest = begun_digest();
  for (const auto& object : objects) {
    for (const auto* part : {&object.type, &object.name, &object.sql}) add_piece(digest, *part);
  }
  content.schema = digest.digest();
  for (const auto& object : objects) {
    // A virtual table's content is in its shadow tables, which are read as tables.
    if (object.type != "table" || is_virtual(object)) continue;
    ++content.tables;
    add_piece(digest, object.name);
    TRY(rows, add_rows(digest, database, schema, object.name));
    content.rows += rows;
  }
  content.digest = digest.digest();
  return content;
}

std::string empty_content_digest() { return begun_digest().digest(); }

// Trying the statements elsewhere shows what only the application's own connections have.
Status check_rewritable(Database& database) {
  TRY(objects, read_schema(database, "main"));
  TRY(trial, Database::open(":memory:", {.mode = DatabaseMode::create}));
  for (const auto& object : objects) {
    if (is_virtual(object)) {
      return fail(ErrorCode::unsupported, database.path() + " has the virtual table " +
                                              object.name +
                                              ", which cannot be put back into a live database");
    }
  }
  for (const std::string_view type : {"table", "index", "view", "trigger"}) {
    for (const auto& object : objects) {
      if (object.type != type) continue;
      if (const auto made = trial.execute(object.sql); !made) {
        return fail(ErrorCode::unsupported, database.path() + ": the " + object.type + " " +
                                                object.name +
                                                " could not be made again: " + made.error().text);
      }
    }
  }
  return {};
}

Status drop_content(Database& database) {
  TRY(objects, read_schema(database, "main"));
  for (const std::string_view type : {"view", "table"}) {
    for (const auto& object : objects) {
      if (object.type != type) continue;
      TRY_OK(database.execute("DROP " + object.type + " main." + sql_name(object.name)));
    }
  }
  return {};
}

Status fill_content(Database& database, const std::string& from) {
  TRY(objects, read_schema(database, from));
  for (const auto& object : objects) {
    if (object.type != "table") continue;
    TRY_OK(database.execute(object.sql));
    TRY_OK(fill_table(database, from, object.name));
  }
  TRY_OK(fill_sequence(database, from));
  TRY_OK(fill_header(database, from));
  // Triggers last: the rows that are put back have already been through them.
  for (const std::string_view type : {"index", "view", "trigger"}) {
    for (const auto& object : objects) {
      if (object.type == type) TRY_OK(database.execute(object.sql));
    }
  }
  return {};
}

Status check_integrity(Database& database, const std::string& schema) {
  TRY(found, database.text("PRAGMA " + sql_name(schema) + ".integrity_check(1)"));
  if (found == "ok") return {};
  return fail(ErrorCode::corrupt, database.path() + " is damaged: " + found);
}

}  // namespace gameday
