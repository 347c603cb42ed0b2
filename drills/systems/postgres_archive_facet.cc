// The facet of a target that is a base backup of a PostgreSQL cluster and its archived WAL.
#include <filesystem>

#include "drills/systems/postgres_archive.h"

namespace gameday {
namespace {

constexpr double kMostTimelines = 4294967295.0;

constexpr Field kFields[] = {
    {.name = "base",
     .type = FieldType::path,
     .help = "The folder of a base backup, as pg_basebackup writes it: plain or tar, with its "
             "manifest. Without it a backup's step takes one of `of`."},
    {.name = "wal", .type = FieldType::path, .help = "The folder of the archived WAL segments."},
    {.name = "wal_within",
     .type = FieldType::path,
     .help = "The same, as the container of `of` sees it, in a volume of it."},
    {.name = "restore_command",
     .type = FieldType::text,
     .help =
         "How the server fetches one (%f) to where it wants it (%p), where a copy from `wal` is "
         "not the way. What is missing in an archive is then not looked for."},
    {.name = "of",
     .type = FieldType::target,
     .help = "The live database that it is the backup of. A backup's step then ends that cluster's "
             "WAL segment and waits for it in `wal`; what is restored must be of the same cluster, "
             "and reach as far."},
    {.name = "system_identifier",
     .type = FieldType::text,
     .help = "The cluster that it must be of, where no live one can be asked."},
    {.name = "dbname",
     .type = FieldType::text,
     .help = "The database that is looked into afterwards; else that of `of`, else postgres."},
    {.name = "user",
     .type = FieldType::text,
     .help = "The superuser in it.",
     .otherwise = "postgres"},
    {.name = "server_user",
     .type = FieldType::text,
     .help = "As whom the scratch server runs where gameday is root; no server runs as root.",
     .otherwise = "postgres"},
    {.name = "programs",
     .type = FieldType::path,
     .help = "The folder of the server's programs; else /usr/lib/postgresql/VERSION/bin."},
    {.name = "scratch",
     .type = FieldType::path,
     .help = "Where the copy is made, which takes as much room as the cluster.",
     .otherwise = "/var/tmp"},
    {.name = "timeline",
     .type = FieldType::integer,
     .help = "Along which one it is recovered; else the newest that the archive leads to.",
     .least = 1,
     .most = kMostTimelines},
    {.name = "amcheck",
     .type = FieldType::boolean,
     .help = "Whether the indexes and tables of what was recovered are checked by amcheck, which "
             "reads all of them, in every database.",
     .otherwise = "true"},
    {.name = "max_age",
     .type = FieldType::duration,
     .help = "How old the base backup may be when it is restored."},
    {.name = "max_loss",
     .type = FieldType::duration,
     .help = "How far the last transaction that comes back may lie behind the backup's step. A "
             "database that nobody writes to falls behind too."},
    {.name = "archived_within",
     .type = FieldType::duration,
     .help = "How long a backup's step waits for the WAL of `of` in the archive.",
     .otherwise = "30s"},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(located, located_archive(target, context));
  TRY(archive, postgres_archive(located));
  std::error_code error;
  for (const auto& folder : {archive.base, archive.wal}) {
    if (folder.empty() || std::filesystem::is_directory(folder, error)) continue;
    return fail(ErrorCode::not_found, "there is no folder " + folder);
  }
  if (!archive.of.empty()) {
    const Target* live = context.system.target(archive.of);
    if (live == nullptr || live->facets.find("postgres") == nullptr) {
      return fail(ErrorCode::invalid, "`of` names " + archive.of + ", which is no `postgres`");
    }
  }
  if (archive.base.empty() && archive.of.empty()) {
    return fail(ErrorCode::invalid, "it has neither a `base`, nor an `of` to take one of");
  }
  const std::string shown =
      archive.base.empty() ? "base backup of " + archive.of : "base backup " + archive.base;
  const std::string known = archive.base.empty() ? archive.wal : archive.base;
  return Instance{target.name, shown, "postgres-archive:" + known,
                  Json::object({{"wal", archive.wal}})};
}

}  // namespace

extern const FacetRow postgres_archive_facet;
const FacetRow postgres_archive_facet{
    .name = "postgres-archive",
    .summary = "A base backup of a PostgreSQL cluster, and its archived WAL.",
    .scalar = "",
    .fields = kFields,
    .resolve = &resolve,
    .may = nullptr,
};

}  // namespace gameday
