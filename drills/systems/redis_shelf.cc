#include "drills/systems/redis_shelf.h"

#include <algorithm>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr const char* kPerScan = "500";
constexpr int kFirstTried = 15;  // the last database of a server that was set up as it comes

Result<Redis> open_database(const RedisShelf& shelf, std::int64_t database,
                            const DeedContext& context) {
  RedisPlace place = shelf.deed.place;
  place.database = database;
  return open_redis(place, context);
}
Result<Redis> open_shelf(const RedisShelf& shelf, const DeedContext& context) {
  return open_database(shelf, shelf.database, context);
}
std::string target_of(const RedisShelf& shelf) { return std::to_string(shelf.deed.place.database); }
std::string number_of(const RedisShelf& shelf) { return std::to_string(shelf.database); }

// The keys of one step of a scan; `cursor` is "0" again after the last.
Result<std::vector<std::string>> scanned(std::string& cursor, const std::string& pattern,
                                         Redis& session) {
  TRY(told, session.ask({"SCAN", cursor, "MATCH", pattern, "COUNT", kPerScan}));
  if (told.items.size() != 2) return fail(ErrorCode::failed, "SCAN gives no cursor and keys");
  cursor = told.items[0].text;
  std::vector<std::string> keys;
  for (auto& key : told.items[1].items) {
    if (key.text != kMarkKey) keys.push_back(std::move(key.text));
  }
  return keys;
}

Result<Json> notes_of(const RedisShelf& shelf, const DeedContext& context) {
  if (!context.doors.files.exists(shelf.notes)) {
    return fail(ErrorCode::not_found, "the notes " + shelf.notes + " are missing");
  }
  TRY(bytes, context.doors.files.read(shelf.notes));
  return Json::parse(bytes);
}
Status note(const RedisShelf& shelf, const Json& notes, const DeedContext& context) {
  return context.doors.files.write(shelf.notes, notes.dump(), 0600);
}

}  // namespace

Result<std::int64_t> choose_empty_database(const RedisPlace& place, Redis& session) {
  TRY(keyspace, info_of(session, "keyspace"));
  for (int number = kFirstTried; number >= 0; --number) {
    const std::string name = std::to_string(number);
    if (number == place.database || !told_in(keyspace, "db" + name).empty()) continue;
    TRY(chosen, session.say({"SELECT", name}));
    if (!chosen.is_error()) return number;
    if (const Error why = error_of(chosen); why.code == ErrorCode::refused) {
      return std::unexpected(why);
    }
  }
  return fail(ErrorCode::unsupported,
              shown(session.address()) + " has no empty database in which keys could be kept",
              "raise `databases` in its configuration");
}

namespace {

Status refuse_what_cannot_be_kept(const RedisPrepared& prepared) {
  const std::string name = shown(prepared.session.address());
  const RedisServer& server = prepared.server;
  if (!server.is_master) {
    return fail(ErrorCode::refused, name + " is a replica: what it has is its master's");
  }
  if (server.is_cluster) {
    return fail(ErrorCode::unsupported, name + " is of a cluster, which has one database only");
  }
  if (server.keys == 0) {
    return fail(ErrorCode::refused, name + " has no keys in database " +
                                        std::to_string(prepared.deed.place.database) +
                                        ", so there is nothing to lose");
  }
  if (server.keys > kMostKeysKept) {
    return fail(ErrorCode::refused, name + " has " + std::to_string(server.keys) +
                                        " keys, more than the " + std::to_string(kMostKeysKept) +
                                        " that are put back one by one");
  }
  return {};
}

Result<bool> has_one(const std::string& pattern, Redis& session) {
  std::string cursor = "0";
  do {
    TRY(keys, scanned(cursor, pattern, session));
    if (!keys.empty()) return true;
  } while (cursor != "0");
  return false;
}

// Answers of a transaction, of which none may be an error.
Status all_done(const std::vector<RedisReply>& answers, const Redis& session) {
  const auto wrong = std::ranges::find_if(answers, &RedisReply::is_error);
  if (wrong == answers.end()) return {};
  return std::unexpected(error_of(*wrong).in(shown(session.address())));
}

std::unexpected<Error> not_ours(const RedisShelf& shelf, const Redis& session) {
  return fail(ErrorCode::conflict, shown(session.address()) + ": database " + number_of(shelf) +
                                       ", which was empty, is somebody else's now");
}

// From here on the mark is watched: the next transaction is done on condition that it lies there.
Status watch_mark(const RedisShelf& shelf, Redis& session) {
  TRY(on_shelf, session.ask({"SELECT", number_of(shelf)}));
  TRY(watched, session.ask({"WATCH", kMarkKey}));
  TRY(mark, session.ask({"GET", kMarkKey}));
  if (mark.text == shelf.mark) return {};
  return not_ours(shelf, session);
}

Status claim(const RedisShelf& shelf, Redis& session) {
  TRY(claimed, session.change({"SET", kMarkKey, shelf.mark, "NX"}));
  if (claimed.is_nothing()) return not_ours(shelf, session);
  TRY(size, session.ask({"DBSIZE"}));
  if (size.number == 1) return {};
  TRY(left, session.change({"DEL", kMarkKey}));
  return not_ours(shelf, session);
}

// Exchanges the databases. The mark, which went along, comes back to its shelf with that.
Status take_all(const RedisShelf& shelf, Redis& session) {
  TRY_OK(watch_mark(shelf, session));
  const RedisCommand exchange[] = {{"SWAPDB", target_of(shelf), number_of(shelf)},
                                   {"SELECT", target_of(shelf)},
                                   {"MOVE", kMarkKey, number_of(shelf)}};
  TRY(done, session.transact(exchange));
  return all_done(done, session);
}

Status take_some(const RedisShelf& shelf, Redis& session) {
  std::string cursor = "0";
  do {
    TRY(chosen, session.ask({"SELECT", target_of(shelf)}));
    TRY(keys, scanned(cursor, shelf.pattern, session));
    if (keys.empty()) continue;
    TRY_OK(watch_mark(shelf, session));
    std::vector<RedisCommand> moves{{"SELECT", target_of(shelf)}};
    for (auto& key : keys) moves.push_back({"MOVE", std::move(key), number_of(shelf)});
    TRY(done, session.transact(moves));
    TRY_OK(all_done(done, session));
  } while (cursor != "0");
  return {};
}

// One pass over the shelf; how many keys went back. One whose name is taken stays.
Result<std::int64_t> pass_back(const RedisShelf& shelf, Redis& session) {
  std::int64_t moved = 0;
  std::string cursor = "0";
  do {
    TRY(keys, scanned(cursor, std::string(kEveryKey), session));
    std::vector<RedisCommand> moves;
    for (auto& key : keys) moves.push_back({"MOVE", std::move(key), target_of(shelf)});
    if (moves.empty()) continue;
    TRY(done, session.change_all(moves));
    TRY_OK(all_done(done, session));
    for (const auto& one : done) moved += one.number;
  } while (cursor != "0");
  return moved;
}

// Without the mark. What has expired is counted until somebody looks at it.
Result<std::int64_t> kept_on(Redis& session) {
  TRY(size, session.ask({"DBSIZE"}));
  TRY(mark, session.ask({"EXISTS", kMarkKey}));
  return size.number - mark.number;
}

}  // namespace

Json to_json(const RedisShelf& shelf) {
  Json json = to_json(shelf.deed);
  return json.set("mark", shelf.mark)
      .set("pattern", shelf.pattern)
      .set("shelf", shelf.database)
      .set("newer_stays", shelf.newer_stays)
      .set("kept", "database " + number_of(shelf) + " of Redis at " + shelf.deed.place.address)
      .set("notes", shelf.notes);
}

Result<RedisShelf> redis_shelf_from(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(deed, redis_deed_from(undo));
  RedisShelf shelf{deed,
                   from.text("mark"),
                   from.text("pattern"),
                   from.integer("shelf", -1),
                   from.boolean("newer_stays", false),
                   from.text("notes")};
  if (shelf.mark.empty() || shelf.database < 0 || shelf.notes.empty()) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks mark, shelf or notes");
  }
  return shelf;
}

Result<RedisShelf> prepare_shelf(const Deed& deed, const std::string& pattern,
                                 const DeedContext& context) {
  TRY(prepared, prepare_redis(deed, context));
  TRY_OK(refuse_what_cannot_be_kept(prepared));
  Redis& session = prepared.session;
  TRY(taken, session.ask({"EXISTS", kMarkKey}));
  if (taken.number != 0) {
    return fail(ErrorCode::refused, shown(session.address()) + " has a key " + kMarkKey +
                                        ", whose name gameday keeps for itself");
  }
  TRY(any, has_one(pattern, session));
  if (!any) {
    return fail(ErrorCode::refused, shown(session.address()) + " has no keys that match " +
                                        pattern + ", so there is nothing to lose");
  }
  RedisShelf shelf{.deed = prepared.deed, .mark = context.mark, .pattern = pattern, .notes = {}};
  TRY(free, choose_empty_database(shelf.deed.place, session));
  shelf.database = free;
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  shelf.notes = context.private_folder + "/" + context.mark + ".notes";
  TRY_OK(note(shelf, Json::object(), context));
  return shelf;
}

Status take_to_shelf(const RedisShelf& shelf, const DeedContext& context) {
  TRY(found, find_redis(shelf.deed, context));
  TRY(notes, notes_of(shelf, context));
  TRY(session, open_shelf(shelf, context));
  TRY_OK(claim(shelf, session));
  TRY_OK(shelf.pattern == kEveryKey ? take_all(shelf, session) : take_some(shelf, session));
  TRY(again, session.ask({"SELECT", number_of(shelf)}));
  TRY(kept, kept_on(session));
  return note(shelf, notes.set("kept", kept), context);
}

Result<ShelfLooks> look_at_shelf(const RedisShelf& shelf, const DeedContext& context) {
  TRY(found, find_redis(shelf.deed, context));
  TRY(notes, notes_of(shelf, context));
  TRY(session, open_shelf(shelf, context));
  ShelfLooks looks{.noted = notes.integer("kept", 0), .restored = notes.boolean("restored", false)};
  TRY(mark, session.ask({"GET", kMarkKey}));
  looks.marked = mark.text == shelf.mark;
  if (!looks.marked) return looks;
  TRY(kept, kept_on(session));
  looks.kept = kept;
  std::string cursor = "0";
  TRY(keys, scanned(cursor, std::string(kEveryKey), session));
  std::vector<RedisCommand> looks_for;
  for (auto& key : keys) looks_for.push_back({"EXISTS", std::move(key)});
  TRY(there, found.session.say_all(looks_for));
  TRY_OK(all_done(there, session));
  looks.asked = static_cast<std::int64_t>(there.size());
  for (const auto& one : there) looks.back += one.number;
  return looks;
}

Status put_back(const RedisShelf& shelf, const DeedContext& context) {
  TRY(found, find_redis(shelf.deed, context));
  TRY(notes, notes_of(shelf, context));
  TRY(session, open_shelf(shelf, context));
  TRY(mark, session.ask({"GET", kMarkKey}));
  const std::string where = "database " + number_of(shelf) + " of " + shown(session.address());
  if (mark.text != shelf.mark) {
    const std::int64_t lost = notes.integer("kept", 0);
    if (lost == 0 || notes.boolean("restored", false)) return {};
    return fail(ErrorCode::conflict,
                "the deed's mark is gone from " + where + ", where " + std::to_string(lost) +
                    " keys were kept",
                "what is there now may be theirs: look, and move it back by hand");
  }
  std::int64_t back = 0, left = 0;
  do {
    TRY(moved, pass_back(shelf, session));
    back += moved;
    TRY(kept, kept_on(session));
    left = kept;
    if (moved == 0) break;
  } while (left > 0);
  if (left > 0 && !shelf.newer_stays) {
    return fail(
        ErrorCode::conflict,
        std::to_string(left) + " keys have been made anew since; as they were they are in " + where,
        "compare the two, and MOVE or DEL what is there; `newer: stays` leaves what is new");
  }
  if (left > 0) TRY_OK(remove_all_keys(session));
  // The note comes first: once the mark is gone, only it tells that all is back.
  TRY_OK(note(shelf, notes.set("restored", true).set("back", back).set("newer", left), context));
  TRY(cleared, session.change({"DEL", kMarkKey}));
  return {};
}

Status remove_all_keys(Redis& session) {
  // Who may not have them freed beside the server's work, frees them in it.
  TRY(may, session.say({"UNLINK", std::string(kNoKey)}));
  const bool beside = !may.is_error();
  std::string cursor = "0";
  do {
    TRY(keys, scanned(cursor, std::string(kEveryKey), session));
    if (keys.empty()) continue;
    RedisCommand drop{beside ? "UNLINK" : "DEL"};
    std::ranges::move(keys, std::back_inserter(drop));
    TRY(dropped, session.change(drop));
  } while (cursor != "0");
  return {};
}

Status clear_shelf(const RedisShelf& shelf, const DeedContext& context) {
  TRY(notes, notes_of(shelf, context));
  if (notes.integer("kept", 0) == 0 || notes.boolean("restored", false)) return {};
  TRY(found, find_redis(shelf.deed, context));
  TRY(session, open_shelf(shelf, context));
  TRY(mark, session.ask({"GET", kMarkKey}));
  if (mark.text != shelf.mark) return {};
  TRY_OK(remove_all_keys(session));
  TRY(cleared, session.change({"DEL", kMarkKey}));
  return {};
}

}  // namespace gameday
