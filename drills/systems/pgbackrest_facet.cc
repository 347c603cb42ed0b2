// The facet of a target that is a stanza of pgBackRest.
#include "drills/systems/pgbackrest.h"

namespace gameday {
namespace {

constexpr std::string_view kTypes[] = {"none", "full", "diff", "incr"};

constexpr Field kFields[] = {
    {.name = "stanza",
     .type = FieldType::text,
     .help = "The stanza of pgBackRest's that is restored from.",
     .required = true},
    {.name = "config",
     .type = FieldType::path,
     .help = "pgBackRest's configuration, which names the repository and holds its key; else the "
             "one that it finds itself."},
    {.name = "take",
     .type = FieldType::choice,
     .help = "Which backup a backup's step takes; none: it looks at those that are there. None of "
             "these is expired by it.",
     .otherwise = "none",
     .choices = kTypes},
    {.name = "of",
     .type = FieldType::target,
     .help = "The live database that it is the backup of. A backup's step then ends that cluster's "
             "WAL segment and waits for it in the repository; what is restored must be of the same "
             "cluster, and reach as far."},
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
     .help = "As whom pgBackRest and the scratch server run where gameday is root.",
     .otherwise = "postgres"},
    {.name = "programs",
     .type = FieldType::path,
     .help = "The folder of the server's programs; else /usr/lib/postgresql/VERSION/bin."},
    {.name = "program",
     .type = FieldType::text,
     .help = "Which pgBackRest is run: a name in PATH, or an absolute path.",
     .otherwise = "pgbackrest"},
    {.name = "scratch",
     .type = FieldType::path,
     .help = "Where the copy is made, which takes as much room as the cluster.",
     .otherwise = "/var/tmp"},
    {.name = "verify",
     .type = FieldType::boolean,
     .help = "Whether pgBackRest also verifies the whole repository, which reads all of it.",
     .otherwise = "true"},
    {.name = "amcheck",
     .type = FieldType::boolean,
     .help = "Whether the indexes and tables of what was recovered are checked by amcheck, which "
             "reads all of them, in every database.",
     .otherwise = "true"},
    {.name = "max_age",
     .type = FieldType::duration,
     .help = "How old the newest backup may be when it is restored."},
    {.name = "max_loss",
     .type = FieldType::duration,
     .help = "How far the last transaction that comes back may lie behind the backup's step. A "
             "database that nobody writes to falls behind too."},
    {.name = "archived_within",
     .type = FieldType::duration,
     .help = "How long a backup's step waits for the WAL of `of` in the repository.",
     .otherwise = "30s"},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  const PgBackRest repository = pgbackrest_of(target);
  TRY(info, look_at_stanza(repository, context));
  if (!repository.of.empty()) {
    const Target* live = context.system.target(repository.of);
    if (live == nullptr || live->facets.find("postgres") == nullptr) {
      return fail(ErrorCode::invalid, "`of` names " + repository.of + ", which is no `postgres`");
    }
  }
  return Instance{target.name, "pgBackRest stanza " + repository.stanza,
                  "pgbackrest:" + info.cluster + "/" + repository.stanza,
                  Json::object({{"backups", static_cast<std::int64_t>(info.sets.size())}})};
}

}  // namespace

extern const FacetRow pgbackrest_facet;
const FacetRow pgbackrest_facet{
    .name = "pgbackrest",
    .summary = "A stanza of pgBackRest: backups of a PostgreSQL cluster and its archived WAL.",
    .scalar = "",
    .fields = kFields,
    .resolve = &resolve,
    .may = nullptr,
};

}  // namespace gameday
