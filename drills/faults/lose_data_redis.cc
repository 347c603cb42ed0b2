// Loses a database of a Redis server as FLUSHDB does, or the keys of a pattern, as a wrong script
// does. What is lost is kept in another database of the same server.
#include "drills/systems/redis_shelf.h"

namespace gameday {
namespace {

constexpr std::string_view kNewer[] = {"conflicts", "stays"};

constexpr Field kFields[] = {
    {.name = "keys",
     .help = "Which keys, as SCAN matches them: `session:*`. All of them go in one moment, those "
             "of a pattern one after another.",
     .otherwise = kEveryKey},
    {.name = "newer",
     .type = FieldType::choice,
     .help = "What becomes of a key that the system has made anew when the old one is to come "
             "back: nothing is chosen, both are kept and named as residue; or the newer one stays, "
             "as is right for a cache.",
     .otherwise = "conflicts",
     .choices = kNewer},
};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(shelf, prepare_shelf(deed, deed.arguments.text("keys", kEveryKey), context));
  shelf.newer_stays = deed.arguments.text("newer") == "stays";
  return Undo{"lose-data-redis", to_json(shelf)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(shelf, redis_shelf_from(undo));
  return take_to_shelf(shelf, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(shelf, redis_shelf_from(undo));
  TRY(looks, look_at_shelf(shelf, context));
  Proof proof{
      .held = looks.marked && looks.kept > 0 && looks.back < looks.asked,
      .text = "nothing was taken out",
      .facts = Json::object({{"kept", looks.kept}, {"asked", looks.asked}, {"back", looks.back}})};
  if (!looks.marked) return proof;
  proof.text = std::to_string(looks.kept) + " keys are gone; of " + std::to_string(looks.asked) +
               " of them that were asked for, " + std::to_string(looks.back) +
               " are there, made anew";
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(shelf, redis_shelf_from(undo));
  return put_back(shelf, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(shelf, redis_shelf_from(undo));
  TRY(looks, look_at_shelf(shelf, context));
  const bool back = looks.noted == 0 || looks.restored;
  return Proof{!looks.marked && back,
               looks.marked ? std::to_string(looks.kept) + " keys are not put back"
               : !back      ? "what was kept of " + std::to_string(looks.noted) + " keys is gone"
               : looks.restored ? "the keys are there again"
                                : "nothing was taken out",
               Json::object({{"kept", looks.kept}, {"taken_out", looks.noted}})};
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(shelf, redis_shelf_from(undo));
  if (keep) return {};
  // Where it is still there, a restore has superseded it.
  TRY_OK(clear_shelf(shelf, context));
  return context.doors.files.remove(shelf.notes);
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(place, redis_place_of(deed, context));
  TRY(session, open_redis(place, context));
  const std::string key = deed.arguments.text("keys", kEveryKey), mark = "gameday:kept";
  const RedisCommand chooses[] = {{"SELECT", std::to_string(place.database)}};
  TRY_OK(session.may(chooses));
  // From here on in an empty database, where there is nothing that could be removed.
  TRY(empty, choose_empty_database(place, session));
  static_cast<void>(empty);
  std::vector<RedisCommand> needed{{"SCAN", "0"},
                                   {"DBSIZE"},
                                   {"EXISTS", key},
                                   {"MOVE", key, kNoValue},
                                   {"EXISTS", mark},
                                   {"GET", mark},
                                   {"SET", mark, "", "NX", "XX"},
                                   {"DEL", mark},
                                   {"WATCH", mark},
                                   {"EXEC"}};
  if (key == kEveryKey) {
    needed.push_back({"SWAPDB", kNoValue, "0"});
    needed.push_back({"MOVE", mark, kNoValue});
  }
  if (deed.arguments.text("newer") == "stays") needed.push_back({"UNLINK", key});
  needed.push_back({"MULTI"});  // which nothing follows
  return session.may(needed);
}

}  // namespace

extern const FaultRow lose_data_redis_fault;
const FaultRow lose_data_redis_fault{
    .name = "lose-data-redis",
    .summary = "Loses a database of a Redis server, or keys of it; they are kept in an empty one.",
    .fields = kFields,
    .facet = "redis",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "INFO, SELECT, SCAN, DBSIZE, MULTI and EXEC; EXISTS and MOVE of the keys, with newer: "
        "stays "
        "UNLINK; EXISTS, GET, SET, DEL and WATCH of keys named gameday:*; of all keys: SWAPDB",
    .example = "- { fault: lose-data-redis, target: sessions, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .as = "lose-data",
    .may = may,
};

}  // namespace gameday
