// Recovers a PostgreSQL cluster from a base backup and archived WAL, to a point in time, into a
// scratch cluster of the drill's own. What it is made from was there before the drill: its backup's
// step looks at that, and makes sure that the WAL until now is in the archive.
#include "drills/systems/postgres_archive.h"

#include "drills/systems/postgres_recovery.h"
#include "drills/systems/restored.h"

namespace gameday {
namespace {

Restored not_verified(const Error& error) {
  return {.vacuous = false, .verified = false, .text = error.text, .facts = Json::object()};
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(archive, postgres_archive(target));
  const Utc looked = context.doors.clock.now().utc;
  TRY(base, look_at_base(archive.base, context));
  BackupTaken taken{.target = target.name,
                    .id = archive.base,
                    .sha256 = base.manifest,
                    .digest = "",
                    .taken = base.taken,
                    .facts = Json::object({{"base", to_json(base)},
                                           {"wal", archive.wal},
                                           {"looked", rfc3339(looked)},
                                           {"age_s", seconds(looked - base.taken)}})};
  const Target* live = archive.of.empty() ? nullptr : context.system.target(archive.of);
  if (live != nullptr) {
    TRY(moment, look_at_live(archive, *live, context));
    taken.digest = moment.digest;
    taken.facts.set("live", to_json(moment));
  }
  return taken;
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken& backup,
                             const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(archive, postgres_archive(*target));
  TRY(point, parse_point(deed.arguments.text("point")));
  if (point.kind == RecoveryPoint::Kind::backup && backup.facts.find("live") == nullptr) {
    return fail(ErrorCode::invalid,
                "`point: backup` wants `of`: else the backup's step has no place in the WAL");
  }
  const BaseBackup base = base_backup_from(backup.facts.get("base"));
  TRY(scratch, plan_scratch({.in = archive.scratch,
                             .user = archive.server_user,
                             .programs = archive.programs,
                             .version = base.version},
                            context));
  return Undo{.kind = "postgres-archive",
              .arguments = Json::object({{"scratch", to_json(scratch)},
                                         {"target", target->name},
                                         {"archive", target->facets.get("postgres-archive")},
                                         {"point", deed.arguments.text("point", "latest")}})};
}

Result<RecoveryTerms> terms_of(const BackupTaken& backup, const Undo& undo) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  Target target;
  target.name = undo.arguments.text("target");
  target.facets = Json::object({{"postgres-archive", undo.arguments.get("archive")}});
  TRY(archive, postgres_archive(target));
  TRY(point, parse_point(undo.arguments.text("point")));
  RecoveryTerms terms{.scratch = scratch,
                      .archive = archive,
                      .point = point,
                      .base = base_backup_from(backup.facts.get("base")),
                      .live = {},
                      .looked = parse_rfc3339(backup.facts.text("looked")).value_or(Utc{})};
  if (const Json* live = backup.facts.find("live")) terms.live = live_moment_from(*live);
  return terms;
}

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(terms, terms_of(backup, undo));
  const auto recovered = recover(terms, context);
  if (!recovered && recovered.error().code == ErrorCode::corrupt) {
    return not_verified(recovered.error());
  }
  if (!recovered) return std::unexpected(recovered.error());
  Restored result =
      restored(recovered->content.rows, to_json(recovered->content), backup, context.doors.clock);
  result.facts.set("recovered", to_json(*recovered, terms));
  result.facts.set("fsync", false);
  return result;
}

Status undo_scratch(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  return erase_scratch(scratch, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  return scratch_gone(scratch, context);
}

Status fits_point(const std::string& point) {
  const auto parsed = parse_point(point);
  return parsed ? Status() : std::unexpected(parsed.error());
}

}  // namespace

extern const RestoreRow postgres_archive_restore;
const RestoreRow postgres_archive_restore{
    .name = "postgres-archive",
    .summary =
        "A base backup and archived WAL, recovered to a point in time into a scratch cluster, "
        "whose every row and page is read.",
    .facet = "postgres-archive",
    .rights =
        "to read the base backup and, as `server_user`, the WAL; the server's programs of its "
        "version; room for a copy in `scratch`; of the live database (`of`), if any: to read "
        "every table, and EXECUTE on pg_switch_wal(), pg_control_system() and "
        "pg_control_checkpoint()",
    .example = "- { restore: archive, point: latest }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = nullptr,
    .restore_place = nullptr,
    .undo = undo_scratch,
    .gone = gone,
    .close = nullptr,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .fits_point = fits_point};

}  // namespace gameday
