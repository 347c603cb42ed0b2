#include "drills/systems/sqlite.h"

#include "engine/base/comparison.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "path", .type = FieldType::path, .help = "The database file.", .required = true},
    {.name = "query",
     .type = FieldType::text,
     .help = "One statement that only reads; its first row must be its only one, and the first "
             "column of it is judged.",
     .required = true},
    {.name = "expect",
     .type = FieldType::comparison,
     .help = "A value, or a comparison like \"> 5\"; without it, a row is enough."},
};

Json value_in(const Statement& row) {
  switch (row.type(0)) {
    case ColumnType::null: return {};
    case ColumnType::integer: return row.integer(0);
    case ColumnType::real: return row.real(0);
    case ColumnType::text:
    case ColumnType::blob: break;
  }
  return row.text(0);
}

Result<Json> value_of(const std::string& query, Database& database) {
  TRY(rows, database.prepare_question(query));
  TRY(first, rows.step());
  if (!first) return fail(ErrorCode::not_found, "the query gives no row");
  Json value = value_in(rows);
  TRY(second, rows.step());
  if (second) return fail(ErrorCode::invalid, "the query gives more than one row");
  return value;
}

Result<Json> asked_value(const Json& arguments, const DeedContext& context) {
  const std::string path = arguments.text("path");
  TRY(file, context.doors.files.look(path));
  // Opening a pipe would wait for whoever writes into it.
  if (!file.regular) return fail(ErrorCode::invalid, path + " is no database file");
  TRY(database, open_sqlite(path, DatabaseMode::read_only, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  return value_of(arguments.text("query"), database);
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const auto value = asked_value(arguments, context);
  if (!value) return {false, value.error().text};
  const std::string seen = "the query gives " + plain_text(*value);
  const Json* expect = arguments.find("expect");
  if (expect == nullptr) return {true, seen};
  const auto comparison = parse_comparison(expect->text());
  if (!comparison) return {false, comparison.error().text};
  if (comparison->holds(*value)) return {true, seen + ", " + comparison->shown()};
  return {false, "expected " + comparison->shown() + ", but " + seen};
}

}  // namespace

extern const ProbeRow sqlite_probe;
const ProbeRow sqlite_probe{
    .name = "sqlite",
    .summary = "Asks a SQLite database, over a connection that only reads, and judges one value.",
    .scalar = "path",
    .fields = kFields,
    .example =
        "orders-are-there: { sqlite: run/store.db, query: SELECT count(*) FROM orders, "
        "expect: \"> 0\" }",
    .ask = &ask,
};

}  // namespace gameday
