// The facet of a target that is a SQLite database file.
#include "drills/systems/sqlite.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::path,
     .help = "The database file; its -wal and -shm beside it belong to it.",
     .otherwise = "",
     .required = true},
    kInvariantsField};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(path, sqlite_path(target));
  TRY(database, open_sqlite(path, DatabaseMode::read_only, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  // The first look at the file: one that is no database is found out here.
  TRY(tables, database.integer("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND "
                               "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"));
  TRY(mode, database.text("PRAGMA journal_mode"));
  return Instance{
      .target = target.name,
      .shown = "database " + path,
      .identity = sqlite_identity(path),
      .facts = Json::object({{"path", path}, {"tables", tables}, {"journal_mode", mode}})};
}

Result<Datum> value_of(const Target& target, const std::string& question,
                       const DeedContext& context) {
  TRY(path, sqlite_path(target));
  return sqlite_value(path, question, context);
}

Status may(const Target& target, const DeedContext&) { return may_write_sqlite(target); }

}  // namespace

extern const FacetRow sqlite_facet;
const FacetRow sqlite_facet{.name = "sqlite",
                            .summary = "A SQLite database file.",
                            .scalar = "path",
                            .fields = kFields,
                            .resolve = resolve,
                            .may = may,
                            .value_of = value_of};

}  // namespace gameday
