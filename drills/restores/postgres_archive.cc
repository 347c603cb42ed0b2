// Recovers a PostgreSQL cluster from a base backup and archived WAL, to a point in time, into a
// scratch cluster of the drill's own; and, into place, puts that where the live one's data is, once
// it has been looked at. Its backup's step takes the base backup or looks at the one that is there,
// and makes sure that the WAL until now is in the archive.
#include "drills/systems/postgres_archive.h"

#include "drills/systems/postgres_place.h"
#include "drills/systems/postgres_recovery.h"
#include "drills/systems/postgres_rights.h"
#include "drills/systems/recovery_rights.h"
#include "drills/systems/restored.h"
#include "engine/base/text.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

Restored not_verified(const Error& error) {
  return {.vacuous = false, .verified = false, .text = error.text, .facts = Json::object()};
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(located, located_archive(target, context));
  TRY(archive, postgres_archive(located));
  const Target* live = live_of(archive, context);
  const Utc looked = context.doors.clock.now().utc;
  if (archive.base.empty() && live != nullptr) {
    archive.base = context.private_folder + "/backups/" + context.mark + "-" + target.name;
    TRY_OK(context.doors.files.make_folder(context.private_folder + "/backups", 0700));
    TRY_OK(take_base_backup(archive, *live, archive.base, context));
  }
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
  if (live != nullptr) {
    TRY(moment, look_at_live(archive, *live, context));
    taken.digest = moment.digest;
    taken.facts.set("live", to_json(moment));
  }
  return taken;
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken& backup,
                             const DeedContext& context) {
  const Target* named = context.system.target(deed.target);
  if (named == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(target, located_archive(*named, context));
  TRY(archive, postgres_archive(target));
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
                                         {"target", target.name},
                                         {"archive", target.facets.get("postgres-archive")},
                                         {"point", deed.arguments.text("point", "latest")}})};
}

bool takes(const Target& target) {
  return target.facets.get("postgres-archive").text("base").empty();
}

std::string place_of_archive(const Target& target) {
  return target.facets.get("postgres-archive").text("of");
}

// The scratch cluster is where it begins; what goes into place comes from there.
Result<Undo> prepare_place(const Deed& deed, const BackupTaken& backup,
                           const DeedContext& context) {
  TRY(undo, prepare_scratch(deed, backup, context));
  const std::string of = undo.arguments.get("archive").text("of");
  return prepare_in_place(std::move(undo), of, backup.facts.get("base").text("cluster"), context);
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

Restored described(const Recovered& recovered, const RecoveryTerms& terms,
                   const BackupTaken& backup, const DeedContext& context) {
  Restored result =
      restored(recovered.content.rows, to_json(recovered.content), backup, context.doors.clock);
  result.facts.set("recovered", to_json(recovered, replay_terms(terms)));
  if (!result.vacuous) result.text = shown(recovered.relations);
  add_invariants(result, recovered.invariants);
  return result;
}

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(terms, terms_of(backup, undo));
  const auto recovered = recover(terms, context);
  if (!recovered && recovered.error().code == ErrorCode::corrupt) {
    return not_verified(recovered.error());
  }
  if (!recovered) return std::unexpected(recovered.error());
  Restored result = described(*recovered, terms, backup, context);
  result.facts.set("fsync", false);
  return result;
}

Result<Restored> restore_place(const Target&, const BackupTaken& backup, const Undo& undo,
                               const DeedContext& context) {
  TRY(terms, terms_of(backup, undo));
  TRY(data, data_directory_from(undo.arguments.get("data")));
  if (const Target* live = live_of(terms.archive, context)) {
    TRY_OK(archive_until_now(terms.archive, *live, context));
  }
  const auto recovered = recover(terms, context);
  if (!recovered && recovered.error().code == ErrorCode::corrupt) {
    return not_verified(recovered.error());
  }
  if (!recovered) return std::unexpected(recovered.error());
  Restored result = described(*recovered, terms, backup, context);
  if (result.vacuous || !result.verified) return result;
  TRY(placed, put_into_place(terms.archive.of, data, terms.scratch, *recovered, context));
  result.facts.set("place", to_json(placed)).set("kept", data.aside());
  TRY_OK(erase_scratch(terms.scratch, context));
  return result;
}

// Of both: one into place has a scratch cluster too.
Status undo_restore(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  TRY_OK(erase_scratch(scratch, context));
  if (undo.arguments.find("data") == nullptr) return {};
  TRY(data, data_directory_from(undo.arguments.get("data")));
  return undo_place(data, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  TRY(proof, scratch_gone(scratch, context));
  if (!proof.held || undo.arguments.find("data") == nullptr) return proof;
  TRY(data, data_directory_from(undo.arguments.get("data")));
  return place_gone(data, context);
}

Status close_restore(const Undo& undo, bool keep, const DeedContext& context) {
  if (undo.arguments.find("data") == nullptr) return {};
  TRY(data, data_directory_from(undo.arguments.get("data")));
  return close_place(data, keep, context);
}

Status fits_point(const std::string& point) {
  const auto parsed = parse_point(point);
  return parsed ? Status() : std::unexpected(parsed.error());
}

Status may_replicate(const Target& live, const DeedContext& context) {
  TRY(settings, postgres_settings(live));
  TRY(session, open_postgres(settings, context));
  return check_right(session, right_to_replicate());
}

Status may_back_up(const PostgresArchive& archive, const Target* live, const DeedContext& context) {
  if (!archive.base.empty()) TRY_OK(may_read_files(archive.base, "", context));
  if (live == nullptr) return {};
  if (archive.base.empty()) TRY_OK(may_replicate(*live, context));
  return may_look_at_live(*live, true, context);
}

// Of what is there; where neither tells it, only the backup will.
std::string version_of(const PostgresArchive& archive, const Target* live,
                       const DeedContext& context) {
  const auto told = context.doors.files.read(archive.base + "/PG_VERSION");
  if (told) return std::string(trimmed(*told));
  constexpr int kMajor = 10000;
  const auto settings = live != nullptr ? postgres_settings(*live) : PostgresSettings();
  if (live == nullptr || !settings) return "";
  const auto session = open_postgres(*settings, context);
  return session ? std::to_string(session->version() / kMajor) : "";
}

Status may_restore(const PostgresArchive& archive, const Target* live, const DeedContext& context) {
  // From a container's volume it is copied by ourselves.
  if (archive.own_command && !archive.wal.empty()) {
    TRY_OK(may_read_files(archive.wal, archive.within ? "" : archive.server_user, context));
  }
  const std::string version = version_of(archive, live, context);
  if (version.empty() && archive.programs.empty()) {
    return fail(ErrorCode::unsupported, "of which version it is, the backup tells");
  }
  return may_make_scratch({.in = archive.scratch,
                           .user = archive.server_user,
                           .programs = archive.programs,
                           .version = version},
                          archive.base.empty() ? 0 : room_for_copy(archive.base), context);
}

Status may(const Step& step, const DeedContext& context) {
  const Target* named = context.system.target(step.target);
  if (named == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(target, located_archive(*named, context));
  TRY(archive, postgres_archive(target));
  const Target* live = live_of(archive, context);
  if (step.kind == StepKind::backup) return may_back_up(archive, live, context);
  if (step.into_place) TRY_OK(may_take_place(archive.of, context));
  if (step.into_place && live != nullptr) TRY_OK(may_look_at_live(*live, false, context));
  return may_restore(archive, live, context);
}

}  // namespace

extern const RestoreRow postgres_archive_restore;
const RestoreRow postgres_archive_restore{
    .name = "postgres-archive",
    .summary =
        "A base backup and archived WAL, recovered to a point in time into a scratch cluster, "
        "whose every row and page is read; into place, that then takes the place of `of`.",
    .facet = "postgres-archive",
    .rights =
        "to read the base backup and, as `server_user`, the WAL; the server's programs of its "
        "version; to write to `scratch`, and room for a copy there; of the live database (`of`), "
        "if any: CONNECT on it, USAGE on every schema and SELECT on every table "
        "(pg_read_all_data), BYPASSRLS where policies hide rows, and EXECUTE on pg_switch_wal(), "
        "pg_control_system() and pg_control_checkpoint(); without `base`: REPLICATION; into place: "
        "as lose-data-directory",
    .example = "- { restore: archive, point: latest }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = nullptr,
    .restore_place = restore_place,
    .undo = undo_restore,
    .gone = gone,
    .close = close_restore,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .fits_point = fits_point,
    .prepare_place = prepare_place,
    .place_of = place_of_archive,
    .may = may,
    .takes = takes};

}  // namespace gameday
