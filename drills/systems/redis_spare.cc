#include "drills/systems/redis_spare.h"

#include <algorithm>

namespace gameday {
namespace {

constexpr std::size_t kAtOnce = 100;

std::string fresh_value(const RedisSpare& spare) { return spare.mark + " fresh"; }
std::string kept_value(const RedisSpare& spare) { return spare.mark + " kept"; }
std::string number_of(const RedisSpare& spare) { return std::to_string(spare.database); }
std::string target_of(const RedisSpare& spare) { return std::to_string(spare.deed.place.database); }
std::string where(const RedisSpare& spare) {
  return "database " + number_of(spare) + " of Redis at " + spare.deed.place.address;
}

Result<Redis> open_spare(const RedisSpare& spare, const DeedContext& context) {
  RedisPlace place = spare.deed.place;
  place.database = spare.database;
  return open_redis(place, context);
}

Result<Json> notes_of(const RedisSpare& spare, const DeedContext& context) {
  TRY(bytes, context.doors.files.read(spare.notes));
  return Json::parse(bytes);
}
Status note(const RedisSpare& spare, const Json& notes, const DeedContext& context) {
  return context.doors.files.write(spare.notes, notes.dump(), 0600);
}

Status all_done(const std::vector<RedisReply>& answers, const Redis& session) {
  const auto wrong = std::ranges::find_if(answers, &RedisReply::is_error);
  if (wrong == answers.end()) return {};
  return std::unexpected(error_of(*wrong).in(shown(session.address())));
}

std::unexpected<Error> not_ours(const RedisSpare& spare) {
  return fail(ErrorCode::conflict, where(spare) + ", which was empty, is somebody else's now");
}

Status claim(const RedisSpare& spare, Redis& session) {
  TRY(claimed, session.change({"SET", kMarkKey, fresh_value(spare), "NX"}));
  if (claimed.is_nothing()) return not_ours(spare);
  TRY(size, session.ask({"DBSIZE"}));
  if (size.number == 1) return {};
  TRY(left, session.change({"DEL", kMarkKey}));
  return not_ours(spare);
}

// A server that has too little memory for both evicts what it holds to take in the other.
Status check_memory(Redis& loaded, Redis& session) {
  TRY(there, info_of(loaded, "memory"));
  TRY(memory, info_of(session, "memory"));
  const auto most = number_in(memory, "maxmemory");
  // What is loaded beside it, and a tenth for what a server takes besides.
  const auto wanted = number_in(there, "used_memory_dataset") / 10 * 11;
  if (most == 0 || number_in(memory, "used_memory") + wanted <= most) return {};
  return fail(ErrorCode::refused,
              shown(session.address()) + " may use " + std::to_string(most) +
                  " bytes of memory, uses " + std::to_string(number_in(memory, "used_memory")) +
                  ", and the backup wants " + std::to_string(wanted) +
                  " beside them: what is there would be evicted",
              "raise `maxmemory` for the time of the restore");
}

// Gives some keys to the spare as the loaded server dumps them.
Status give_some(std::span<const RedisKey> keys, Redis& loaded, Redis& session) {
  std::vector<RedisCommand> dumps, gifts;
  for (const auto& key : keys) dumps.push_back({"DUMP", key.name});
  TRY(dumped, loaded.say_all(dumps));
  TRY_OK(all_done(dumped, loaded));
  for (std::size_t at = 0; at < keys.size(); ++at) {
    // It has expired since.
    if (dumped[at].is_nothing()) continue;
    gifts.push_back(
        {"RESTORE", keys[at].name, std::to_string(keys[at].expires), dumped[at].text, "ABSTTL"});
  }
  if (gifts.empty()) return {};
  TRY(given, session.change_all(gifts));
  return all_done(given, session);
}

// Keys of one database, in the order of the list.
std::vector<RedisKey> keys_in(const RedisContent& content, std::int64_t database) {
  std::vector<RedisKey> keys;
  std::ranges::copy_if(content.keys, std::back_inserter(keys),
                       [&](const RedisKey& key) { return key.database == database; });
  return keys;
}

// From here on the mark is watched: what follows is done on condition that it still says so.
Result<Redis> watch_spare(const RedisSpare& spare, const std::string& value,
                          const DeedContext& context) {
  TRY(session, open_spare(spare, context));
  TRY(watched, session.ask({"WATCH", kMarkKey}));
  TRY(mark, session.ask({"GET", kMarkKey}));
  if (mark.text != value) return not_ours(spare);
  return session;
}

// Exchanges the two; the mark, which goes along, comes back and says what is there now.
Status exchange(const RedisSpare& spare, const std::string& from, const std::string& to,
                const DeedContext& context) {
  TRY(session, watch_spare(spare, from, context));
  const RedisCommand exchanges[] = {{"SWAPDB", target_of(spare), number_of(spare)},
                                    {"SELECT", target_of(spare)},
                                    {"MOVE", kMarkKey, number_of(spare)},
                                    {"SELECT", number_of(spare)},
                                    {"SET", kMarkKey, to}};
  TRY(done, session.transact(exchanges));
  return all_done(done, session);
}

// The list of keys that a restore went by, as its notes have it.
struct Listed {
  RedisContent content;
  std::int64_t database = 0;
};
Result<Listed> listed(const Json& notes, const DeedContext& context) {
  TRY(content, load_redis_content(notes.text("list"), notes.text("digest"), context.doors.files));
  return Listed{std::move(content), notes.integer("database", 0)};
}

// Only what we have loaded goes: whatever else somebody has put there stays.
Status clear_fresh(const RedisSpare& spare, const Json& notes, const DeedContext& context) {
  TRY(list, listed(notes, context));
  TRY(session, open_spare(spare, context));
  const auto keys = keys_in(list.content, list.database);
  for (std::size_t from = 0; from < keys.size(); from += kAtOnce) {
    RedisCommand drop{"UNLINK"};
    for (std::size_t at = from; at < std::min(keys.size(), from + kAtOnce); ++at) {
      drop.push_back(keys[at].name);
    }
    TRY(dropped, session.change(drop));
  }
  TRY_OK(note(spare, Json(notes).set("undone", true), context));
  TRY(cleared, session.change({"DEL", kMarkKey}));
  return {};
}

// Puts the two back, if nobody has written to what the restore has left, nor does meanwhile.
Status exchange_back(const RedisSpare& spare, const Json& notes, const DeedContext& context) {
  TRY(list, listed(notes, context));
  const RedisWanted wanted{list.content, list.database, "", ""};
  TRY(looks, look_at_spare(spare, wanted, context));
  if (looks.place.wrong > 0) {
    return fail(ErrorCode::conflict,
                "database " + target_of(spare) + " of Redis at " + spare.deed.place.address +
                    " has been written to since (" + looks.place.shown +
                    "); what was there before is in database " + number_of(spare),
                "compare the two, and SWAPDB or MOVE what is needed; gameday leaves both");
  }
  TRY_OK(exchange(spare, kept_value(spare), fresh_value(spare), context));
  TRY(after, look_at_spare(spare, wanted, context));
  if (after.spare.wrong == 0) return {};
  TRY_OK(exchange(spare, fresh_value(spare), kept_value(spare), context));
  return fail(ErrorCode::conflict,
              "database " + target_of(spare) + " of Redis at " + spare.deed.place.address +
                  " is being written to (" + after.spare.shown +
                  "); what was there before is in database " + number_of(spare),
              "stop who writes to it, and `gameday revert`");
}

}  // namespace

Json to_json(const RedisSpare& spare) {
  Json json = to_json(spare.deed);
  return json.set("mark", spare.mark)
      .set("spare", spare.database)
      .set("programs", spare.programs)
      .set("version", spare.version)
      .set("notes", spare.notes)
      .set("kept", where(spare));
}

Result<RedisSpare> redis_spare_from(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(deed, redis_deed_from(undo));
  RedisSpare spare{deed,
                   from.text("mark"),
                   from.integer("spare", -1),
                   from.text("programs"),
                   from.text("version"),
                   from.text("notes")};
  if (spare.mark.empty() || spare.database < 0 || spare.notes.empty()) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks mark, spare or notes");
  }
  return spare;
}

Status may_be_replaced(const RedisServer& server, const std::string& name) {
  if (!server.is_master) {
    return fail(ErrorCode::refused, name + " is a replica: what it has is its master's",
                "restore at its master; its backup can be restored into scratch");
  }
  if (server.is_cluster) {
    return fail(ErrorCode::unsupported,
                name +
                    " is of a cluster: it has one database only, so that nothing can be loaded "
                    "beside it, and a part of the keys",
                "restore it into scratch");
  }
  return {};
}

Result<RedisSpare> prepare_spare(const RedisPlace& place, const std::string& programs,
                                 const DeedContext& context) {
  TRY(session, open_redis(place, context));
  TRY(server, look_at_redis(session));
  const std::string name = shown(session.address());
  TRY_OK(may_be_replaced(server, name));
  TRY(taken, session.ask({"EXISTS", kMarkKey}));
  if (taken.number != 0) {
    return fail(ErrorCode::refused,
                name + " has a key " + kMarkKey + ", whose name gameday keeps for itself");
  }
  RedisSpare spare{.deed = {place, server.run_id, context.doors.clock.now().utc},
                   .mark = context.mark,
                   .programs = programs,
                   .version = server.version,
                   .notes = context.private_folder + "/" + context.mark + ".notes"};
  TRY(free, choose_empty_database(place, session));
  spare.database = free;
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  TRY_OK(note(spare, Json::object(), context));
  return spare;
}

Status fill_spare(const RedisSpare& spare, const RedisWanted& wanted, Redis& loaded,
                  const DeedContext& context) {
  TRY(found, find_redis(spare.deed, context));
  TRY(session, open_spare(spare, context));
  TRY_OK(check_memory(loaded, session));
  TRY_OK(note(spare,
              Json::object({{"begun", true},
                            {"list", wanted.list},
                            {"digest", wanted.digest},
                            {"database", wanted.database}}),
              context));
  TRY_OK(claim(spare, session));
  TRY(chosen, loaded.ask({"SELECT", std::to_string(wanted.database)}));
  const auto keys = keys_in(wanted.content, wanted.database);
  const std::span<const RedisKey> all(keys);
  for (std::size_t from = 0; from < all.size(); from += kAtOnce) {
    TRY_OK(give_some(all.subspan(from, std::min(kAtOnce, all.size() - from)), loaded, session));
  }
  return {};
}

Result<SpareLooks> look_at_spare(const RedisSpare& spare, const RedisWanted& wanted,
                                 const DeedContext& context) {
  TRY(scratch, redis_scratch(spare.mark, context));
  TRY(programs, redis_programs(spare.programs, spare.version, context));
  const std::string path = context.private_folder + "/" + spare.mark + ".rdb";
  TRY(streamed, receive_rdb_file(spare.deed.place, path, context));
  static_cast<void>(streamed);
  auto content = load_aside({RedisFiles::Kind::rdb, path}, programs, scratch, context);
  TRY_OK(context.doors.files.remove(path));
  if (!content) return std::unexpected(content.error().in("what the server holds now"));
  std::erase_if(content->keys, [&](const RedisKey& key) {
    return key.database == spare.database && key.name == kMarkKey;
  });
  const Utc now = context.doors.clock.now().utc;
  const auto against = [&](std::int64_t database) {
    return compare_redis(wanted.content, *content, RedisDatabases{wanted.database, database}, now);
  };
  return SpareLooks{against(spare.database), against(spare.deed.place.database)};
}

Result<std::int64_t> exchange_spare(const RedisSpare& spare, const DeedContext& context) {
  TRY(notes, notes_of(spare, context));
  TRY_OK(exchange(spare, fresh_value(spare), kept_value(spare), context));
  TRY(session, open_spare(spare, context));
  TRY(size, session.ask({"DBSIZE"}));
  const std::int64_t kept = size.number - 1;
  TRY_OK(note(spare, notes.set("kept", kept), context));
  return kept;
}

Status undo_spare(const RedisSpare& spare, const DeedContext& context) {
  TRY(scratch, redis_scratch(spare.mark, context));
  TRY_OK(erase_scratch(scratch, context));
  TRY_OK(context.doors.files.remove(context.private_folder + "/" + spare.mark + ".rdb"));
  TRY(notes, notes_of(spare, context));
  if (!notes.boolean("begun", false)) return {};
  TRY(found, find_redis(spare.deed, context));
  TRY(session, open_spare(spare, context));
  TRY(mark, session.ask({"GET", kMarkKey}));
  if (mark.text == kept_value(spare)) TRY_OK(exchange_back(spare, notes, context));
  if (mark.text == kept_value(spare) || mark.text == fresh_value(spare)) {
    return clear_fresh(spare, notes, context);
  }
  if (notes.boolean("undone", false)) return {};
  if (notes.integer("kept", 0) > 0) {
    return fail(ErrorCode::conflict,
                "the deed's mark is gone from " + where(spare) + ", where " +
                    std::to_string(notes.integer("kept", 0)) + " keys were kept",
                "what is there now may be theirs: look, and move it back by hand");
  }
  return note(spare, notes.set("undone", true), context);
}

Result<Proof> spare_gone(const RedisSpare& spare, const DeedContext& context) {
  TRY(scratch, redis_scratch(spare.mark, context));
  TRY(aside, scratch_gone(scratch, context));
  if (!aside.held) return aside;
  TRY(notes, notes_of(spare, context));
  if (!notes.boolean("begun", false)) {
    return Proof{.held = true, .text = "nothing was restored", .facts = Json::object()};
  }
  TRY(found, find_redis(spare.deed, context));
  TRY(session, open_spare(spare, context));
  TRY(mark, session.ask({"GET", kMarkKey}));
  const bool kept = mark.text == kept_value(spare), fresh = mark.text == fresh_value(spare);
  const bool undone = notes.boolean("undone", false);
  return Proof{.held = !kept && !fresh && undone,
               .text = kept      ? "the restore stands; what was there before is in " + where(spare)
                       : fresh   ? "what was loaded is still in " + where(spare)
                       : !undone ? "what was kept in " + where(spare) + " is gone"
                                 : "the database is as before",
               .facts = Json::object({{"kept", notes.integer("kept", 0)}})};
}

Status close_spare(const RedisSpare& spare, bool keep, const DeedContext& context) {
  if (keep) return {};
  TRY(notes, notes_of(spare, context));
  if (notes.boolean("begun", false) && !notes.boolean("undone", false)) {
    TRY(found, find_redis(spare.deed, context));
    TRY(session, open_spare(spare, context));
    TRY(mark, session.ask({"GET", kMarkKey}));
    if (mark.text == kept_value(spare)) {
      TRY_OK(remove_all_keys(session));
      TRY(cleared, session.change({"DEL", kMarkKey}));
    }
  }
  return context.doors.files.remove(spare.notes);
}

}  // namespace gameday
