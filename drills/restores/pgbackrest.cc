// Recovers a PostgreSQL cluster by pgBackRest, to a point in time, into a scratch cluster of the
// drill's own; and, into place, puts that where the live one's data is, once it has been looked at.
// Its backup's step takes a backup or looks at the newest one, and makes sure that the WAL until
// now is in the repository.
#include <filesystem>

#include "drills/systems/pgbackrest_recovery.h"
#include "drills/systems/postgres_place.h"
#include "drills/systems/recovery_rights.h"
#include "drills/systems/restored.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

const Target* live_target(const PgBackRest& repository, const DeedContext& context) {
  return repository.of.empty() ? nullptr : context.system.target(repository.of);
}

Status wait_until_archived(const PgBackRest& repository, LiveMoment& live,
                           const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(250);
  const Clock& clock = context.doors.clock;
  const Until until{context.until.stop,
                    std::min(context.until.deadline, clock.in(repository.archived_within))};
  while (true) {
    TRY(info, look_at_stanza(repository, context));
    live.archived = info.newest_segment >= live.segment;
    if (live.archived) return {};
    const auto paused = clock.pause(kAgain, until);
    if (!paused && paused.error().code == ErrorCode::stopped) return paused;
    // That it is not there is what a restore will have to tell.
    if (!paused) return {};
  }
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  const PgBackRest repository = pgbackrest_of(target);
  if (!repository.take.empty()) {
    // Those that are there stay, whatever the configuration would make it drive out.
    TRY_OK(ask_pgbackrest(repository, {"backup", "--type=" + repository.take, "--no-expire-auto"},
                          context));
  }
  const Utc looked = context.doors.clock.now().utc;
  TRY(info, look_at_stanza(repository, context));
  TRY(newest, set_called(info, ""));
  BackupTaken taken{.target = target.name,
                    .id = newest.label,
                    .sha256 = "",
                    .digest = "",
                    .taken = newest.begun,
                    .facts = Json::object({{"set", to_json(newest)},
                                           {"looked", rfc3339(looked)},
                                           {"age_s", seconds(looked - newest.begun)}})};
  const Target* live = live_target(repository, context);
  if (live == nullptr) return taken;
  PostgresArchive archive;
  archive.target = target.name;
  TRY(moment, look_at_live(archive, *live, context));
  TRY_OK(wait_until_archived(repository, moment, context));
  taken.digest = moment.digest;
  taken.facts.set("live", to_json(moment));
  return taken;
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken& backup,
                             const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  const PgBackRest repository = pgbackrest_of(*target);
  const std::string point = deed.arguments.text("point", "latest");
  TRY(parsed, parse_point(point));
  if (parsed.kind == RecoveryPoint::Kind::backup && backup.facts.find("live") == nullptr) {
    return fail(ErrorCode::invalid,
                "`point: backup` wants `of`: else the backup's step has no place in the WAL");
  }
  TRY(scratch, plan_scratch({.in = repository.scratch,
                             .user = repository.server_user,
                             .programs = repository.programs,
                             .version = backup.facts.get("set").text("version")},
                            context));
  return Undo{.kind = "pgbackrest",
              .arguments = Json::object({{"scratch", to_json(scratch)},
                                         {"target", target->name},
                                         {"pgbackrest", target->facets.get("pgbackrest")},
                                         {"point", point}})};
}

bool takes(const Target& target) { return !pgbackrest_of(target).take.empty(); }

std::string place_of_stanza(const Target& target) {
  return target.facets.get("pgbackrest").text("of");
}

// The scratch cluster is where it begins; what goes into place comes from there.
Result<Undo> prepare_place(const Deed& deed, const BackupTaken& backup,
                           const DeedContext& context) {
  TRY(undo, prepare_scratch(deed, backup, context));
  const std::string of = undo.arguments.get("pgbackrest").text("of");
  return prepare_in_place(std::move(undo), of, backup.facts.get("set").text("cluster"), context);
}

Result<PgBackRestTerms> terms_of(const BackupTaken& backup, const Undo& undo) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  Target target;
  target.name = undo.arguments.text("target");
  target.facets = Json::object({{"pgbackrest", undo.arguments.get("pgbackrest")}});
  TRY(point, parse_point(undo.arguments.text("point")));
  PgBackRestTerms terms{.repository = pgbackrest_of(target),
                        .scratch = scratch,
                        .point = point,
                        .label = backup.id,
                        .live = {},
                        .taken = backup.taken,
                        .looked = parse_rfc3339(backup.facts.text("looked")).value_or(Utc{})};
  if (const Json* live = backup.facts.find("live")) terms.live = live_moment_from(*live);
  return terms;
}

Restored described(const PgBackRestRecovered& done, const PgBackRestTerms& terms,
                   const BackupTaken& backup, const DeedContext& context) {
  const Recovered& recovered = done.recovered;
  Restored result =
      restored(recovered.content.rows, to_json(recovered.content), backup, context.doors.clock);
  Json facts = to_json(recovered, replay_terms(terms));
  result.facts.set("recovered", facts.set("set", to_json(done.set)));
  if (!result.vacuous) result.text = shown(recovered.relations);
  add_invariants(result, recovered.invariants);
  return result;
}

// What the repository lacks is told of the backup, as what is damaged in it.
Result<Restored> answered(const Error& error) {
  const bool tells = error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found;
  if (!tells) return std::unexpected(error);
  return Restored{.vacuous = false, .verified = false, .text = error.text, .facts = Json::object()};
}

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(terms, terms_of(backup, undo));
  const auto done = recover(terms, context);
  if (!done) return answered(done.error());
  Restored result = described(*done, terms, backup, context);
  result.facts.set("fsync", false);
  return result;
}

// Their links lead into the scratch folder.
Status refuse_tablespaces(const ScratchCluster& scratch) {
  std::error_code error;
  if (std::filesystem::is_empty(scratch.data() + "/pg_tblspc", error) && !error) return {};
  return fail(ErrorCode::unsupported,
              "the cluster has tablespaces: it comes back into scratch alone");
}

Result<Restored> restore_place(const Target&, const BackupTaken& backup, const Undo& undo,
                               const DeedContext& context) {
  TRY(terms, terms_of(backup, undo));
  TRY(data, data_directory_from(undo.arguments.get("data")));
  if (const Target* live = live_target(terms.repository, context)) {
    TRY(ended, end_live_segment(*live, context));
    if (ended) TRY_OK(wait_until_archived(terms.repository, *ended, context));
  }
  const auto done = recover(terms, context);
  if (!done) return answered(done.error());
  Restored result = described(*done, terms, backup, context);
  if (result.vacuous || !result.verified) return result;
  TRY_OK(refuse_tablespaces(terms.scratch));
  TRY(placed, put_into_place(terms.repository.of, data, terms.scratch, done->recovered, context));
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

// What pgBackRest wants for a backup of its own, it says when it takes one.
Status may(const Step& step, const DeedContext& context) {
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  const PgBackRest repository = pgbackrest_of(*target);
  TRY(info, may_read_stanza(repository, context));
  const Target* live = live_target(repository, context);
  const bool backs_up = step.kind == StepKind::backup;
  if (live != nullptr && (backs_up || step.into_place)) {
    TRY_OK(may_look_at_live(*live, backs_up, context));
  }
  if (backs_up) return {};
  if (step.into_place) TRY_OK(may_take_place(repository.of, context));
  // Of a stanza without a backup the step before will tell.
  TRY(newest, set_called(info, ""));
  return may_make_scratch({.in = repository.scratch,
                           .user = repository.server_user,
                           .programs = repository.programs,
                           .version = newest.version},
                          newest.size, context);
}

}  // namespace

extern const RestoreRow pgbackrest_restore;
const RestoreRow pgbackrest_restore{
    .name = "pgbackrest",
    .summary =
        "A backup of pgBackRest's (full, differential or incremental) and its archived WAL, "
        "recovered to a point in time into a scratch cluster, whose every row and page is read; "
        "into place, that then takes the place of `of`.",
    .facet = "pgbackrest",
    .rights =
        "as `server_user` to read the repository and its configuration, with `take` what "
        "pgBackRest wants for a backup; the server's programs of its version; to write to "
        "`scratch`, and room for a copy there; of the live database (`of`), if any: CONNECT on it, "
        "USAGE on every schema and SELECT on every table (pg_read_all_data), BYPASSRLS where "
        "policies hide rows, and EXECUTE on pg_switch_wal(), pg_control_system() and "
        "pg_control_checkpoint(); into place: as lose-data-directory",
    .example = "- { restore: stanza, point: latest }",
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
    .place_of = place_of_stanza,
    .may = may,
    .takes = takes};

}  // namespace gameday
