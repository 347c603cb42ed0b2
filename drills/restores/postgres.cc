// Backs up a PostgreSQL database by pg_dump, and restores it by pg_restore into one of its own,
// which is looked at before anybody else can: into place it comes by an exchange of names. A
// restore is only called verified when what was restored has, read back by SQL, the digest of the
// snapshot that was dumped.
#include "drills/systems/postgres.h"

#include "drills/systems/postgres_dump.h"
#include "drills/systems/postgres_rights.h"
#include "drills/systems/postgres_swap.h"
#include "drills/systems/restored.h"
#include "drills/systems/sqlite.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

Restored not_verified(const Error& error) {
  return {.vacuous = true, .verified = false, .text = error.text, .facts = Json::object()};
}

// What is wrong with the backup is the answer to the question; everything else is an error.
bool tells_about_backup(const Error& error) { return error.code == ErrorCode::corrupt; }

Result<std::string> identity_of(const PostgresSettings& settings, const DeedContext& context) {
  TRY(session, open_postgres(settings, context));
  TRY(server, look_at_server(session));
  return postgres_identity(server, session);
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(settings, postgres_settings(target));
  const std::string folder = context.private_folder + "/backups";
  TRY_OK(context.doors.files.make_folder(folder, 0700));
  BackupTaken taken{.target = target.name,
                    .id = folder + "/" + context.mark + ".dump",
                    .sha256 = "",
                    .digest = "",
                    .taken = context.doors.clock.now().utc,  // of its beginning: never too young
                    .facts = Json::object()};
  TRY(identity, identity_of(settings, context));
  TRY(content, dump_database(settings, taken.id, context));
  TRY(sha, file_sha256(taken.id));
  taken.sha256 = sha;
  taken.digest = content.digest;
  taken.facts = to_json(content);
  taken.facts.set("identity", identity);
  return taken;
}

Status check_file(const std::string& target, const PostgresSettings& settings,
                  const BackupTaken& backup, const DeedContext& context) {
  TRY(identity, identity_of(settings, context));
  const std::string from = backup.facts.text("identity");
  if (backup.target != target || from != identity) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " is of " + from + ", not of " + identity);
  }
  auto sha = file_sha256(backup.id);
  // One that is not there is no restore's fault.
  if (!sha && sha.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::corrupt, sha.error().text);
  }
  if (!sha) return std::unexpected(sha.error());
  if (*sha == backup.sha256) return {};
  return fail(ErrorCode::corrupt,
              "the backup " + backup.id + " is not the file that was written: " + *sha);
}

Result<PostgresContent> content_of(const PostgresSettings& settings, const std::string& database,
                                   const DeedContext& context) {
  PostgresSettings there = settings;
  if (!database.empty()) set_setting(there, "dbname", database);
  TRY(session, open_postgres(there, context));
  TRY_OK(session.begin(PostgresAccess::snapshot));
  return read_content(session);
}

// What a dump has become, in a database of our own.
struct Loaded {
  PostgresContent content;
  std::vector<InvariantSeen> invariants;
};

// Fills a database of our own, and looks at what came of it. The target is the dump's; null: nobody
// says what is always true of it.
Result<Loaded> load_aside(const PostgresSettings& settings, const std::string& database,
                          const BackupTaken& backup, Ownership ownership, const Target* target,
                          const DeedContext& context) {
  TRY_OK(load_dump(settings, database, backup.id, ownership, context));
  TRY(content, content_of(settings, database, context));
  if (content.digest != backup.digest) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " does not have the content that it had when taken");
  }
  if (target == nullptr) return Loaded{content, {}};
  PostgresSettings there = settings;
  set_setting(there, "dbname", database);
  const auto ask = [&](const std::string& sql, const DeedContext& here) {
    return postgres_value(there, sql, here);
  };
  TRY(invariants, read_restored(*target, "postgres", ask, context));
  return Loaded{content, invariants};
}

Restored described(const Loaded& loaded, const BackupTaken& backup, const DeedContext& context) {
  Restored result =
      restored(loaded.content.rows, to_json(loaded.content), backup, context.doors.clock);
  add_invariants(result, loaded.invariants);
  return result;
}

// A database of ours is to go, also when we were stopped; but not at the price of a late stop.
Status drop_aside(const PostgresSettings& settings, const std::string& database,
                  const DeedContext& context) {
  constexpr Duration kAfterAStop = std::chrono::milliseconds(120);
  DeedContext last = context;
  const Clock& clock = context.doors.clock;
  const bool over = context.until.stop.requested() || clock.now().boot >= context.until.deadline;
  if (over) last.until = {Stop(), clock.in(kAfterAStop)};
  return drop_database(settings, database, last);
}

// Ours until its undo: it would outlast us, if we died while it is filled.
Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken&, const DeedContext& context) {
  TRY(opened, open_for(deed, context));
  return Undo{.kind = "postgres",
              .arguments = Json::object({{"scratch", context.mark},
                                         {"target", deed.target},
                                         {"connection", std::move(opened.connection)}})};
}

bool is_scratch(const Undo& undo) { return undo.arguments.find("scratch") != nullptr; }

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(settings, connection_in(undo));
  const auto good = check_file(undo.arguments.text("target"), settings, backup, context);
  if (!good && tells_about_backup(good.error())) return not_verified(good.error());
  if (!good) return std::unexpected(good.error());
  const std::string scratch = fresh_name(undo.arguments.text("scratch"));
  TRY_OK(make_database(settings, scratch, context));
  const Target* target = context.system.target(undo.arguments.text("target"));
  const auto loaded = load_aside(settings, scratch, backup, Ownership::ours, target, context);
  if (!loaded && tells_about_backup(loaded.error())) return not_verified(loaded.error());
  if (!loaded) return std::unexpected(loaded.error());
  return described(*loaded, backup, context);
}

Result<Undo> prepare(const Target& target, const DeedContext& context) {
  TRY(settings, postgres_settings(target));
  TRY(swap, prepare_swap(settings, context));
  return Undo{.kind = "postgres", .arguments = to_json(swap)};
}

Result<Loaded> load_fresh(const DatabaseSwap& swap, const BackupTaken& backup, const Target& target,
                          const DeedContext& context) {
  const std::string fresh = fresh_name(swap.mark);
  TRY_OK(make_database(swap.settings, fresh, context));
  TRY_OK(dress_fresh(swap, context));
  return load_aside(swap.settings, fresh, backup, Ownership::kept, &target, context);
}

Result<Restored> restore_place(const Target& target, const BackupTaken& backup, const Undo& undo,
                               const DeedContext& context) {
  TRY(swap, database_swap_from(undo.arguments));
  const auto good = check_file(target.name, swap.settings, backup, context);
  const auto loaded =
      good ? load_fresh(swap, backup, target, context) : std::unexpected(good.error());
  const bool tells = !loaded && tells_about_backup(loaded.error());
  // What breaks an invariant takes nobody's place.
  if (tells || (loaded && !all_hold(loaded->invariants))) {
    TRY_OK(drop_aside(swap.settings, fresh_name(swap.mark), context));
    return tells ? not_verified(loaded.error()) : described(*loaded, backup, context);
  }
  if (!loaded) return std::unexpected(loaded.error());
  TRY(before, content_of(swap.settings, "", context));
  TRY_OK(swap_in(swap, loaded->content.digest, context));
  Restored result = described(*loaded, backup, context);
  result.facts.set("rows_before", before.rows);
  result.facts.set("kept", kept_name(swap.mark));
  if (before.digest == loaded->content.digest) {
    result.vacuous = true;
    result.text = "the database had the backup's content already";
  }
  return result;
}

Status undo_restore(const Undo& undo, const DeedContext& context) {
  if (is_scratch(undo)) {
    TRY(settings, connection_in(undo));
    return drop_fresh(settings, undo.arguments.text("scratch"), context);
  }
  TRY(swap, database_swap_from(undo.arguments));
  return undo_swap(swap, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  if (is_scratch(undo)) {
    TRY(settings, connection_in(undo));
    return fresh_gone(settings, undo.arguments.text("scratch"), context);
  }
  TRY(swap, database_swap_from(undo.arguments));
  return swap_gone(swap, context);
}

Status close_restore(const Undo& undo, bool keep, const DeedContext& context) {
  if (is_scratch(undo)) return {};
  TRY(swap, database_swap_from(undo.arguments));
  return erase_swapped(swap, keep, context);
}

// A backup reads all; what a restore makes of it is our own, unless it takes the other one's place.
Status may(const Step& step, const DeedContext& context) {
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(settings, postgres_settings(*target));
  TRY(session, open_postgres(settings, context));
  if (step.kind == StepKind::backup) return may_read_all(session, true);
  TRY_OK(may_make_database(session, settings, context));
  if (!step.into_place) return {};
  TRY_OK(may_exchange(session));
  TRY_OK(may_own_all(session));
  return may_read_all(session, false);
}

}  // namespace

extern const RestoreRow postgres_restore;
const RestoreRow postgres_restore{
    .name = "postgres",
    .summary =
        "A dump by pg_dump, restored into a database of its own, which takes the place of "
        "what is there by its name.",
    .facet = "postgres",
    .rights =
        "CONNECT on the database; USAGE on every schema, SELECT on every table and sequence "
        "(pg_read_all_data) and on every large object, BYPASSRLS where policies hide rows; to "
        "restore: CREATEDB, and CONNECT on the database postgres (of that one: template1); into "
        "place: besides, to be a member of the database's owner and of every owner in it, "
        "pg_signal_backend, CREATEROLE where something is set for a role in it, and a superuser "
        "where the server's own functions and views have other privileges in it than they came "
        "with",
    .example = "- { restore: database, into: place }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = prepare,
    .restore_place = restore_place,
    .undo = undo_restore,
    .gone = gone,
    .close = close_restore,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .may = may};

}  // namespace gameday
