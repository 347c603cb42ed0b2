#include "drills/systems/sqlite_rows.h"

#include <algorithm>
#include <cmath>

#include "engine/base/random.h"

namespace gameday {
namespace {

constexpr std::int64_t kMostRows = 100000;

// What is known of the dropped rows, on disk before they are.
struct RowsRecord {
  std::string table;
  std::string digest;  // of the kept copy's content
  std::vector<std::int64_t> rowids;
  std::int64_t schema_version = 0;  // of the database before
};

enum class Standing { untouched, dropped, put_back, foreign };

std::string record_path(const Exchange& exchange) { return exchange.kept + ".json"; }

Result<RowsRecord> read_record(const Exchange& exchange, const DeedContext& context) {
  TRY(bytes, context.doors.files.read(record_path(exchange)));
  TRY(value, Json::parse(bytes));
  RowsRecord record{
      value.text("table"), value.text("digest"), {}, value.integer("schema_version", 0)};
  for (const Json& rowid : value.items("rowids")) {
    if (rowid.is_integer()) record.rowids.push_back(rowid.integer());
  }
  return record;
}

Status write_record(const Exchange& exchange, const RowsRecord& record,
                    const DeedContext& context) {
  Json rowids = Json::array();
  for (const std::int64_t rowid : record.rowids) rowids.push(rowid);
  const Json value = Json::object({{"table", record.table},
                                   {"digest", record.digest},
                                   {"schema_version", record.schema_version},
                                   {"rowids", std::move(rowids)}});
  return context.doors.files.write(record_path(exchange), value.dump() + "\n", 0600);
}

Result<std::vector<std::string>> tables_of(Database& database) {
  TRY(list, database.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND "
                             "type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"));
  std::vector<std::string> names;
  while (true) {
    TRY(row, list.step());
    if (!row) return names;
    names.push_back(list.text(0));
  }
}

// The table's shape, where single rows of it can be dropped and put back.
Result<TableShape> usable_shape(Database& database, const std::string& table) {
  TRY(shape, read_shape(database, "main", table));
  const std::string called = database.path() + ": the table " + table;
  if (shape.columns.empty()) return fail(ErrorCode::not_found, called + " is not there");
  if (shape.rowid.empty()) {
    return fail(ErrorCode::unsupported,
                called + " gives its rows no number, so a dropped one has no place to go back to");
  }
  TRY(triggers, database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND "
                                 "tbl_name = ? COLLATE NOCASE"));
  TRY(found, triggers.bind_text(1, table).step());
  if (!found) return shape;
  return fail(ErrorCode::unsupported, called + " has the trigger " + triggers.text(0) +
                                          ", which would do more than drop rows");
}

Result<std::int64_t> rows_in(Database& database, const std::string& table) {
  return database.integer("SELECT count(*) FROM main." + sql_name(table));
}

Result<std::string> largest_table(Database& database) {
  TRY(tables, tables_of(database));
  std::string largest;
  std::int64_t most = -1;
  for (const auto& table : tables) {
    if (!usable_shape(database, table)) continue;
    TRY(rows, rows_in(database, table));
    if (rows > most) largest = table;
    most = std::max(most, rows);
  }
  if (!largest.empty()) return largest;
  return fail(ErrorCode::unsupported,
              database.path() + " has no table that single rows could be put back into");
}

// How many rows are to be dropped: the newest stays.
Result<std::int64_t> count_of(Database& database, const std::string& table,
                              const RowChoice& choice) {
  TRY(rows, rows_in(database, table));
  const std::string called = database.path() + ": the table " + table;
  if (rows < 2) {
    return fail(ErrorCode::refused, called + " has too few rows: the newest one always stays");
  }
  const auto share = static_cast<std::int64_t>(std::ceil(static_cast<double>(rows) * choice.share));
  const std::int64_t wanted = choice.share > 0 ? share : choice.rows;
  if (wanted <= kMostRows) return std::clamp<std::int64_t>(wanted, 1, rows - 1);
  return fail(ErrorCode::refused, called + ": " + std::to_string(wanted) +
                                      " rows are more than the " + std::to_string(kMostRows) +
                                      " that are put back one by one");
}

// The same rows for the same deed on the same table.
Result<std::vector<std::int64_t>> chosen_rows(Database& database, const TableShape& shape,
                                              std::int64_t count, std::uint64_t seed) {
  const std::string table = "main." + sql_name(shape.name);
  TRY(rows, database.prepare("SELECT " + shape.rowid + " FROM " + table + " WHERE " + shape.rowid +
                             " < (SELECT max(" + shape.rowid + ") FROM " + table + ") ORDER BY 1"));
  std::vector<std::int64_t> all;
  while (true) {
    TRY(row, rows.step());
    if (!row) break;
    all.push_back(rows.integer(0));
  }
  Random random(seed);
  const auto size = std::min(all.size(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < size; ++i) std::swap(all[i], all[i + random.below(all.size() - i)]);
  all.resize(size);
  std::ranges::sort(all);
  return all;
}

Result<std::int64_t> present_rows(Database& database, const RowsRecord& record) {
  TRY(shape, read_shape(database, "main", record.table));
  TRY(look, database.prepare("SELECT count(*) FROM main." + sql_name(record.table) + " WHERE " +
                             shape.rowid + " = ?"));
  std::int64_t present = 0;
  for (const std::int64_t rowid : record.rowids) {
    look.reset();
    TRY(row, look.bind(1, rowid).step());
    present += row ? look.integer(0) : 0;
  }
  return present;
}

// Another deed on the same database may have left its own schema version since: then the rows
// themselves tell.
Result<Standing> standing_of(Database& database, const Exchange& exchange,
                             const RowsRecord& record) {
  TRY(version, database.integer("PRAGMA schema_version"));
  if (version == record.schema_version) return Standing::untouched;
  if (version == schema_mark(exchange, "undone")) return Standing::put_back;
  TRY(present, present_rows(database, record));
  if (present == 0) return Standing::dropped;
  return present == static_cast<std::int64_t>(record.rowids.size()) ? Standing::put_back
                                                                    : Standing::foreign;
}

Status set_mark(Database& database, const Exchange& exchange, const char* event) {
  return database.execute("PRAGMA main.schema_version = " +
                          std::to_string(schema_mark(exchange, event)));
}

// The rows were accepted before: nothing about them is checked again, and nothing cascades.
Status make_ready(Database& database) {
  TRY_OK(database.execute("PRAGMA foreign_keys = OFF"));
  TRY_OK(database.execute("PRAGMA ignore_check_constraints = ON"));
  return database.execute("PRAGMA synchronous = FULL");
}

Status put_back(Database& database, const RowsRecord& record) {
  TRY(shape, read_shape(database, "gameday_copy", record.table));
  const std::string columns = selected(shape);
  const std::string table = sql_name(record.table);
  TRY(row, database.prepare("INSERT INTO main." + table + "(" + columns + ") SELECT " + columns +
                            " FROM gameday_copy." + table + " WHERE " + shape.rowid + " = ?"));
  for (const std::int64_t rowid : record.rowids) TRY_OK(row.bind(1, rowid).run());
  return {};
}

Error place_taken(const Exchange& exchange, const RowsRecord& record, const std::string& why) {
  return {ErrorCode::conflict,
          exchange.database + ": the rows that were dropped from " + record.table +
              " have no place to go back to: " + why + "; they are in " + exchange.kept,
          "put back what is needed by hand; gameday leaves both as they are"};
}

}  // namespace

Result<std::string> prepare_rows(const Exchange& exchange, const RowChoice& choice,
                                 const DeedContext& context) {
  TRY_OK(read_state(exchange.database, context));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  TRY_OK(check_space(exchange.database, context.private_folder));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY(transaction, Transaction::begin(database));
  const auto table =
      choice.table.empty() ? largest_table(database) : Result<std::string>(choice.table);
  if (!table) return table;
  TRY_OK(usable_shape(database, *table));
  TRY_OK(count_of(database, *table, choice));
  return table;
}

Status drop_rows(const Exchange& exchange, const RowChoice& choice, const DeedContext& context) {
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY_OK(make_ready(database));
  TRY(transaction, Transaction::begin(database));
  TRY(shape, usable_shape(database, choice.table));
  TRY(count, count_of(database, choice.table, choice));
  const auto seed = static_cast<std::uint64_t>(schema_mark(exchange, "rows"));
  TRY(rowids, chosen_rows(database, shape, count, seed));
  TRY(version, database.integer("PRAGMA schema_version"));
  TRY(kept, copy_sqlite(exchange.database, exchange.kept, context));
  TRY_OK(write_record(exchange, {choice.table, kept.digest, rowids, version}, context));
  TRY(row, database.prepare("DELETE FROM main." + sql_name(choice.table) + " WHERE " + shape.rowid +
                            " = ?"));
  for (const std::int64_t rowid : rowids) TRY_OK(row.bind(1, rowid).run());
  TRY_OK(set_mark(database, exchange, "done"));
  return transaction.commit();
}

Result<Proof> rows_missing(const Exchange& exchange, const DeedContext& context) {
  if (!context.doors.files.exists(record_path(exchange))) {
    return Proof{.held = false, .text = "no row was dropped", .facts = Json::object()};
  }
  TRY(record, read_record(exchange, context));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY(present, present_rows(database, record));
  const auto dropped = static_cast<std::int64_t>(record.rowids.size());
  return Proof{
      .held = dropped > 0 && present == 0,
      .text = std::to_string(dropped - present) + " of the " + std::to_string(dropped) +
              " rows that were chosen are missing from " + record.table,
      .facts = Json::object({{"table", record.table}, {"rows", dropped}, {"present", present}})};
}

Status undo_rows(const Exchange& exchange, const DeedContext& context) {
  if (!context.doors.files.exists(record_path(exchange))) return erase_kept(exchange, context);
  TRY(record, read_record(exchange, context));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY_OK(make_ready(database));
  {
    TRY(before, standing_of(database, exchange, record));
    if (before == Standing::untouched || before == Standing::put_back) return {};
  }
  TRY(kept, read_state(exchange.kept, context));
  if (kept.content.digest != record.digest) {
    return fail(ErrorCode::corrupt, "the kept copy " + exchange.kept + " has been changed");
  }
  TRY(attach, database.prepare("ATTACH ? AS gameday_copy"));
  TRY_OK(attach.bind_text(1, exchange.kept).run());
  TRY(transaction, Transaction::begin(database));
  TRY(standing, standing_of(database, exchange, record));
  if (standing == Standing::foreign) {
    return std::unexpected(place_taken(exchange, record, "other rows stand there"));
  }
  if (standing != Standing::dropped) return {};
  if (const auto done = put_back(database, record); !done) {
    if (done.error().code != ErrorCode::failed) return done;
    return std::unexpected(place_taken(exchange, record, done.error().text));
  }
  TRY_OK(set_mark(database, exchange, "undone"));
  return transaction.commit();
}

Result<Proof> rows_back(const Exchange& exchange, const DeedContext& context) {
  if (!context.doors.files.exists(record_path(exchange))) {
    return Proof{.held = true, .text = "no row was dropped", .facts = Json::object()};
  }
  TRY(record, read_record(exchange, context));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  TRY(standing, standing_of(database, exchange, record));
  Proof proof{.held = standing == Standing::untouched || standing == Standing::put_back,
              .text = "",
              .facts = Json::object({{"rows", record.rowids.size()}, {"table", record.table}})};
  proof.text = standing == Standing::untouched  ? "no row was dropped from " + record.table
               : standing == Standing::put_back ? "the rows are back in " + record.table
                                                : "rows are missing from " + record.table;
  return proof;
}

}  // namespace gameday
