// Backs up and restores a SQLite database. A restore is only called verified when the restored
// content, read back, has the digest that the backup had when it was taken.
#include "drills/systems/sqlite.h"

#include "drills/systems/restored.h"
#include "drills/systems/sqlite_exchange.h"
#include "engine/playbook/invariants.h"

namespace gameday {
namespace {

Restored not_verified(const Error& error) {
  return {.vacuous = true, .verified = false, .text = error.text, .facts = Json::object()};
}

// What is wrong with the backup is the answer to the question; everything else is an error.
bool tells_about_backup(const Error& error) {
  return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::invalid;
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(path, sqlite_path(target));
  const std::string folder = context.private_folder + "/backups";
  TRY_OK(context.doors.files.make_folder(folder, 0700));
  TRY_OK(check_space(path, folder));
  BackupTaken taken{.target = target.name,
                    .id = folder + "/" + context.mark + ".db",
                    .sha256 = "",
                    .digest = "",
                    .taken = context.doors.clock.now().utc,  // of its beginning: never too young
                    .facts = Json::object()};
  TRY(content, copy_sqlite(path, taken.id, context));
  TRY(sha, file_sha256(taken.id));
  taken.sha256 = sha;
  taken.digest = content.digest;
  taken.facts = to_json(content);
  taken.facts.set("identity", sqlite_identity(path));
  return taken;
}

Status check_origin(const Target& target, const BackupTaken& backup) {
  TRY(path, sqlite_path(target));
  const std::string from = backup.facts.text("identity");
  if (backup.target == target.name && from == sqlite_identity(path)) return {};
  return fail(ErrorCode::invalid,
              "the backup " + backup.id + " is of " + from + ", not of " + sqlite_identity(path));
}

struct Looked {
  SqliteContent content;
  std::vector<InvariantSeen> invariants;
};

// Copies the backup aside and reads the copy, so that what is judged is what would be restored.
Result<Looked> verify_backup(const Target& target, const BackupTaken& backup,
                             const std::string& aside, const DeedContext& context) {
  TRY_OK(check_origin(target, backup));
  TRY(sha, file_sha256(backup.id));
  if (sha != backup.sha256) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " is not the file that was written: " + sha);
  }
  TRY(content, copy_sqlite(backup.id, aside, context));
  if (content.schema != backup.facts.text("schema")) {
    return fail(ErrorCode::invalid,
                "the backup " + backup.id + " has another schema than recorded");
  }
  if (content.digest != backup.digest) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " does not have the content that it had when taken");
  }
  const auto ask = [&](const std::string& sql, const DeedContext& here) {
    return sqlite_value(aside, sql, here);
  };
  TRY(invariants, read_restored(target, "sqlite", ask, context));
  return Looked{content, invariants};
}

Restored described(const Looked& looked, const BackupTaken& backup, const DeedContext& context) {
  Restored result =
      restored(looked.content.rows, to_json(looked.content), backup, context.doors.clock);
  add_invariants(result, looked.invariants);
  return result;
}

std::string aside_path(const DeedContext& context) {
  return context.private_folder + "/" + context.mark + ".scratch.db";
}

Result<Restored> restore_scratch(const Target& target, const BackupTaken& backup,
                                 const DeedContext& context) {
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  const std::string scratch = aside_path(context);
  const auto looked = verify_backup(target, backup, scratch, context);
  TRY_OK(erase_copy(scratch, context));
  if (looked) return described(*looked, backup, context);
  if (tells_about_backup(looked.error())) return not_verified(looked.error());
  return std::unexpected(looked.error());
}

// The kept copy itself is made inside the cutover's transaction: what writers add until then would
// be missing in one that is made now.
Result<Undo> prepare(const Target& target, const DeedContext& context) {
  TRY(path, sqlite_path(target));
  const Exchange exchange{.database = path,
                          .kept = context.private_folder + "/" + context.mark + ".kept.db",
                          .mark = context.mark};
  TRY(state, prepare_exchange(exchange, context));
  return Undo{.kind = "sqlite", .arguments = to_json(exchange)};
}

Result<Restored> restore_place(const Target& target, const BackupTaken& backup, const Undo& undo,
                               const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  TRY(path, sqlite_path(target));
  if (path != exchange.database) {
    return fail(ErrorCode::conflict, target.name + " is " + path + " now and was " +
                                         exchange.database + " when the restore was prepared");
  }
  const std::string aside = aside_path(context);
  const auto looked = verify_backup(target, backup, aside, context);
  // What breaks an invariant takes nobody's place.
  if (looked && !all_hold(looked->invariants)) {
    TRY_OK(erase_copy(aside, context));
    return described(*looked, backup, context);
  }
  auto done = looked ? exchange_content(exchange, aside, backup.digest, context)
                     : std::unexpected(looked.error());
  TRY_OK(erase_copy(aside, context));
  if (!done && tells_about_backup(done.error())) return not_verified(done.error());
  if (!done) return std::unexpected(done.error());
  Restored result = described({done->after, looked->invariants}, backup, context);
  result.facts.set("rows_before", done->before.rows);
  result.facts.set("kept", exchange.kept);
  if (done->before.digest == done->after.digest) {
    result.vacuous = true;
    result.text = "the database had the backup's content already";
  }
  return result;
}

Status undo_restore(const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  // A cutover that died half-way has left it.
  TRY_OK(erase_copy(context.private_folder + "/" + exchange.mark + ".scratch.db", context));
  return undo_exchange(exchange, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return exchange_gone(exchange, context);
}

Status close_restore(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return keep ? Status{} : erase_kept(exchange, context);
}

// A copy is read; the live database is only ever written into place.
Status may(const Step& step, const DeedContext& context) {
  const Target* target = context.system.target(step.target);
  if (target == nullptr || !step.into_place) return {};
  return may_write_sqlite(*target);
}

}  // namespace

extern const RestoreRow sqlite_restore;
const RestoreRow sqlite_restore{
    .name = "sqlite",
    .summary =
        "A copy by SQLite's online backup, put back into the live database in one transaction.",
    .facet = "sqlite",
    .rights = "write access to the database file and its folder",
    .example = "- { restore: store, into: place }",
    .backup = backup,
    .restore_scratch = restore_scratch,
    .prepare = prepare,
    .restore_place = restore_place,
    .undo = undo_restore,
    .gone = gone,
    .close = close_restore,
    .may = may};

}  // namespace gameday
