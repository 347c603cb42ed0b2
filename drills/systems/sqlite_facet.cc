// The facet of a target that is a SQLite database file.
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "drills/systems/sqlite.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::path,
     .help = "The database file; its -wal and -shm beside it belong to it.",
     .otherwise = "",
     .required = true}};

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

// To write the database, and its journal beside it.
Status may(const Target& target, const DeedContext&) {
  TRY(path, sqlite_path(target));
  const std::string folder = std::filesystem::path(path).parent_path();
  for (const std::string& place : {path, folder}) {
    if (access(place.c_str(), W_OK) == 0) continue;
    return fail(ErrorCode::refused, "we may not write " + place, "run gameday as its user");
  }
  return {};
}

}  // namespace

extern const FacetRow sqlite_facet;
const FacetRow sqlite_facet{.name = "sqlite",
                            .summary = "A SQLite database file.",
                            .scalar = "path",
                            .fields = kFields,
                            .resolve = resolve,
                            .may = may};

}  // namespace gameday
