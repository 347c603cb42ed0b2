// Backs up a Redis server as a replica of it would, or takes an RDB file or append-only files that
// somebody else has written, and restores them: aside, in a server of the drill's own, or into the
// place of a database. A restore is only called verified when what was loaded has, key by key, the
// content that the backup had when its step looked at it.
#include <filesystem>

#include "drills/systems/redis_spare.h"
#include "drills/systems/restored.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

Restored not_verified(const std::string& text) {
  return {.vacuous = true, .verified = false, .text = text, .facts = Json::object()};
}

// What is wrong with the backup is the answer to the question; everything else is an error.
bool tells_about_backup(const Error& error) { return error.code == ErrorCode::corrupt; }

// What the playbook says of a target's backups, and what its server is.
struct Source {
  RedisPlace place;
  std::string found;  // somebody else's backup; empty: we take one
  std::string programs;
};
Result<Source> source_of(const Target& target) {
  TRY(place, redis_place_of(target));
  const Json& facet = target.facets.get("redis");
  return Source{place, facet.text("backup"), facet.text("programs")};
}

// A server has none that outlives its process; what is lost with that is what a restore is for.
std::string identity_of(const RedisPlace& place) {
  return "database " + std::to_string(place.database) + " of Redis at " + place.address;
}

RedisFiles files_of(const BackupTaken& backup) {
  const std::string form = backup.facts.text("form");
  using enum RedisFiles::Kind;
  return {form == name_of(folder) ? folder : form == name_of(appended) ? appended : rdb, backup.id};
}

// Somebody else's as of the moment that it tells of itself; of append-only files, which go on, that
// of their last change.
Result<Utc> taken_at(const RedisFiles& files, const RedisChecked& checked,
                     const DeedContext& context) {
  if (files.kind == RedisFiles::Kind::rdb && checked.saved) return *checked.saved;
  TRY(facts, context.doors.files.look(files.path));
  Utc last = facts.changed;
  std::error_code error;
  const auto folder = std::filesystem::path(files.path).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (files.kind != RedisFiles::Kind::folder) break;
    TRY(one, context.doors.files.look(entry.path()));
    last = std::max(last, one.changed);
  }
  return last;
}

struct Fetched {
  RedisFiles files;
  RedisFiles original;   // of somebody else's
  bool streamed = true;  // the server wrote no file of its own for it
};
Result<Fetched> fetch(const Source& source, const std::string& own, const DeedContext& context) {
  TRY_OK(context.doors.files.make_folder(own, 0700));
  if (source.found.empty()) {
    const RedisFiles files{RedisFiles::Kind::rdb, own + "/dump.rdb"};
    TRY(streamed, receive_rdb_file(source.place, files.path, context));
    return Fetched{files, files, streamed};
  }
  TRY(original, redis_files_at(source.found));
  TRY(files, copy_redis_files(original, own, context));
  return Fetched{files, original, true};
}

bool takes(const Target& target) { return target.facets.get("redis").text("backup").empty(); }

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(source, source_of(target));
  TRY(session, open_redis(source.place, context));
  TRY(server, look_at_redis(session));
  TRY(programs, redis_programs(source.programs, server.version, context));
  const auto now = context.doors.clock.now();
  // A drill may take several.
  const std::string name =
      context.mark + "-" + target.name + "-" + std::to_string(now.boot.time_since_epoch().count());
  const std::string own = context.private_folder + "/backups/" + name;
  TRY(fetched, fetch(source, own, context));
  TRY(checked, check_redis_files(fetched.files, programs, context));
  TRY(sha, sha256_of(fetched.files));
  TRY(scratch, redis_scratch(name, context));
  TRY(content, load_aside(fetched.files, programs, scratch, context));
  BackupTaken taken{.target = target.name,
                    .id = fetched.files.path,
                    .sha256 = sha,
                    .digest = "",
                    .taken = now.utc,  // of its beginning: never too young
                    .facts = Json::object()};
  if (!source.found.empty()) {
    TRY(saved, taken_at(fetched.original, checked, context));
    taken.taken = saved;
    taken.facts.set("found", source.found);
  }
  const std::string list = own + ".keys", text = to_text(content);
  TRY_OK(context.doors.files.write(list, text, 0600));
  taken.digest = sha256(text);
  taken.facts.set("identity", identity_of(source.place))
      .set("form", name_of(fetched.files.kind))
      .set("version", server.version)
      .set("list", list)
      .set("keys", content.count(source.place.database))
      .set("databases", counted(content))
      .set("checksum", checked.checksum)
      .set("server_wrote_a_file", !fetched.streamed);
  return taken;
}

// The files as they were written, and the list of what they hold. corrupt: they are not.
Result<RedisContent> check_backup(const std::string& target, const RedisPlace& place,
                                  const BackupTaken& backup, const RedisPrograms& programs,
                                  const DeedContext& context) {
  const std::string from = backup.facts.text("identity");
  if (backup.target != target || from != identity_of(place)) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " is of " + from + ", not of " + identity_of(place));
  }
  const RedisFiles files = files_of(backup);
  const auto sha = sha256_of(files);
  // One that is not there is no restore's fault.
  if (!sha && sha.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::corrupt, sha.error().text);
  }
  if (!sha) return std::unexpected(sha.error());
  if (*sha != backup.sha256) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " is not what was written: " + *sha);
  }
  TRY(checked, check_redis_files(files, programs, context));
  static_cast<void>(checked);
  return load_redis_content(backup.facts.text("list"), backup.digest, context.doors.files);
}

// What a scratch server has loaded, against the list of when the backup was looked at.
Result<RedisDifference> compare_loaded(const RedisContent& meant, const RedisContent& loaded,
                                       const BackupTaken& backup, const DeedContext& context) {
  const auto difference = compare_redis(meant, loaded, {}, context.doors.clock.now().utc);
  if (difference.wrong == 0) return difference;
  return fail(ErrorCode::corrupt,
              "the backup " + backup.id +
                  " does not have the content that it had when taken: " + difference.shown);
}

Restored told(const RedisContent& loaded, const RedisDifference& difference,
              const RedisPlace& place, const BackupTaken& backup, const DeedContext& context) {
  const std::int64_t keys = loaded.count(place.database);
  Restored result = restored(keys,
                             Json::object({{"keys", keys},
                                           {"databases", counted(loaded)},
                                           {"digest", sha256(to_text(loaded))},
                                           {"expired", difference.expired}}),
                             backup, context.doors.clock);
  if (result.vacuous) {
    result.text = "the backup holds no keys in database " + std::to_string(place.database) +
                  (difference.expired > 0 ? " that have not expired" : "");
  }
  return result;
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken&, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(source, source_of(*target));
  TRY(scratch, redis_scratch(context.mark, context));
  return Undo{.kind = "redis",
              .arguments = Json::object({{"scratch", to_json(scratch)},
                                         {"target", target->name},
                                         {"server", to_json(source.place)},
                                         {"programs", source.programs}})};
}

bool is_scratch(const Undo& undo) { return undo.arguments.find("scratch") != nullptr; }

Result<Restored> tried_aside(const BackupTaken& backup, const Undo& undo,
                             const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  TRY(place, redis_place_from(undo.arguments.get("server")));
  TRY(programs,
      redis_programs(undo.arguments.text("programs"), backup.facts.text("version"), context));
  TRY(meant, check_backup(undo.arguments.text("target"), place, backup, programs, context));
  TRY(loaded, load_aside(files_of(backup), programs, scratch, context));
  TRY(difference, compare_loaded(meant, loaded, backup, context));
  return told(loaded, difference, place, backup, context);
}

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  auto result = tried_aside(backup, undo, context);
  if (result || !tells_about_backup(result.error())) return result;
  return not_verified(result.error().text);
}

Result<Undo> prepare(const Target& target, const DeedContext& context) {
  TRY(source, source_of(target));
  TRY(spare, prepare_spare(source.place, source.programs, context));
  return Undo{.kind = "redis", .arguments = to_json(spare)};
}

// What stands in the spare is looked at before anybody else can: what is not the backup's is not
// exchanged.
Result<Restored> exchanged(const RedisSpare& spare, const RedisWanted& wanted, Restored result,
                           const DeedContext& context) {
  TRY(looks, look_at_spare(spare, wanted, context));
  if (looks.spare.wrong > 0) {
    return not_verified("what was loaded beside the database is not the backup's (" +
                        looks.spare.shown + "): nothing was exchanged");
  }
  TRY(kept, exchange_spare(spare, context));
  result.facts.set("keys_before", kept).set("kept", to_json(spare).text("kept"));
  if (looks.place.wrong == 0) {
    result.vacuous = true;
    result.text = "the database had the backup's content already";
  }
  return result;
}

Result<Restored> put_in_place(const Target& target, const BackupTaken& backup,
                              const RedisSpare& spare, const DeedContext& context) {
  const RedisPlace& place = spare.deed.place;
  TRY(programs, redis_programs(spare.programs, spare.version, context));
  TRY(meant, check_backup(target.name, place, backup, programs, context));
  TRY(scratch, redis_scratch(spare.mark, context));
  const RedisWanted wanted{meant, place.database, backup.facts.text("list"), backup.digest};
  if (meant.count(place.database) > kMostKeysKept) {
    return fail(ErrorCode::refused, "the backup has " +
                                        std::to_string(meant.count(place.database)) +
                                        " keys, more than the " + std::to_string(kMostKeysKept) +
                                        " that are restored one by one");
  }
  Restored result;
  const auto work = [&](Redis& session, const RedisContent& loaded) -> Status {
    TRY(difference, compare_loaded(meant, loaded, backup, context));
    result = told(loaded, difference, place, backup, context);
    // Nothing takes the place of something only where it is sure that there was something.
    return result.vacuous ? Status() : fill_spare(spare, wanted, session, context);
  };
  TRY(loaded, load_aside(files_of(backup), programs, scratch, context, work));
  if (result.vacuous) return result;
  return exchanged(spare, wanted, std::move(result), context);
}

Result<Restored> restore_place(const Target& target, const BackupTaken& backup, const Undo& undo,
                               const DeedContext& context) {
  TRY(spare, redis_spare_from(undo));
  auto result = put_in_place(target, backup, spare, context);
  if (result || !tells_about_backup(result.error())) return result;
  return not_verified(result.error().text);
}

Status undo_restore(const Undo& undo, const DeedContext& context) {
  if (is_scratch(undo)) {
    TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
    return erase_scratch(scratch, context);
  }
  TRY(spare, redis_spare_from(undo));
  return undo_spare(spare, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  if (is_scratch(undo)) {
    TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
    return scratch_gone(scratch, context);
  }
  TRY(spare, redis_spare_from(undo));
  return spare_gone(spare, context);
}

Status close_restore(const Undo& undo, bool keep, const DeedContext& context) {
  if (is_scratch(undo)) return {};
  TRY(spare, redis_spare_from(undo));
  return close_spare(spare, keep, context);
}

// A replica's questions one by one: the server has none of them with an answer pending.
Status may_take(Redis& session) {
  for (const RedisCommand& command :
       {RedisCommand{"REPLCONF", kNoValue, kNoValue}, RedisCommand{"PSYNC", kNoValue, kNoValue}}) {
    TRY_OK(session.may({&command, 1}));
  }
  return {};
}

Status may_replace(const RedisPlace& place, Redis& session) {
  const RedisCommand chooses[] = {{"SELECT", std::to_string(place.database)}};
  TRY_OK(session.may(chooses));
  // From here on in an empty database, where there is nothing that could be removed.
  TRY(empty, choose_empty_database(place, session));
  static_cast<void>(empty);
  const std::string key(kEveryKey), mark = kMarkKey;
  const RedisCommand needed[] = {{"SCAN", "0"},
                                 {"DBSIZE"},
                                 {"RESTORE", key, kNoValue, ""},
                                 {"UNLINK", key},
                                 {"EXISTS", mark},
                                 {"GET", mark},
                                 {"SET", mark, "", "NX", "XX"},
                                 {"MOVE", mark, kNoValue},
                                 {"DEL", mark},
                                 {"WATCH", mark},
                                 {"EXEC"},
                                 {"SWAPDB", kNoValue, "0"},
                                 {"MULTI"}};  // which nothing follows
  return session.may(needed);
}

Status may(const Step& step, const DeedContext& context) {
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(source, source_of(*target));
  TRY(session, open_redis(source.place, context));
  TRY(server, look_at_redis(session));
  TRY(programs, redis_programs(source.programs, server.version, context));
  static_cast<void>(programs);
  if (step.kind == StepKind::backup) {
    if (source.found.empty()) return may_take(session);
    TRY(files, redis_files_at(source.found));
    return may_read_redis_files(files, context);
  }
  if (!step.into_place) return {};
  TRY_OK(may_be_replaced(server, shown(session.address())));
  TRY_OK(may_take(session));
  return may_replace(source.place, session);
}

}  // namespace

extern const RestoreRow redis_restore;
const RestoreRow redis_restore{
    .name = "redis",
    .summary =
        "A dump of a Redis server (RDB) or its append-only files, loaded by a server of the "
        "drill's "
        "own and compared key by key; into place by an exchange of databases.",
    .facet = "redis",
    .rights =
        "INFO; to back up REPLCONF and PSYNC, or to read the facet's `backup`; redis-server, "
        "redis-check-rdb and redis-check-aof of the server's version or a later one; into place: "
        "besides, REPLCONF, PSYNC, SELECT, SCAN, DBSIZE, MULTI, EXEC and SWAPDB; EXISTS, GET, SET, "
        "MOVE, DEL and WATCH of keys named gameday:*; RESTORE and UNLINK of all keys",
    .example = "- { restore: sessions, into: place }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = prepare,
    .restore_place = restore_place,
    .undo = undo_restore,
    .gone = gone,
    .close = close_restore,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .may = may,
    .takes = takes};

}  // namespace gameday
