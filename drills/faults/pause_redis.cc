// A Redis server that lets every write wait, and answers reads. It is held by a lease of the
// server's own, which ends when nobody renews it. Reads go on because a server that is to hold them
// too takes no word any more, not even that it may go on: `pause` of its process or container does
// that.
//
// The server does not tell whether it is paused. So it is asked what a pause holds and what changes
// nothing: to count the members of a set that is nobody's.
#include "drills/systems/redis.h"
#include "engine/base/comparison.h"

namespace gameday {
namespace {

constexpr Duration kLease = std::chrono::seconds(4);

struct Pause {
  RedisDeed deed;
  std::string begun;  // the private file that says that this drill began one
};

Result<Pause> pause_in(const Undo& undo) {
  TRY(deed, redis_deed_from(undo));
  Pause pause{deed, undo.arguments.text("begun")};
  if (pause.begun.empty()) {
    return fail(ErrorCode::corrupt, "an undo of pause-redis lacks its private file");
  }
  return pause;
}

// It works on what it is told in the order in which that comes. So what it has not answered when
// something that was asked later is answered, it holds, however slow it is; on their ways two
// connections may still overtake each other.
Result<bool> is_held(const RedisPlace& place, const DeedContext& context) {
  constexpr Duration kPatience = std::chrono::milliseconds(50);
  TRY(held, open_redis(place, context));
  TRY(free, open_redis(place, context));
  const auto ask_twice = [&free]() -> Status {
    for (int time = 0; time < 2; ++time) {
      TRY(there, free.ask({"PING"}));
    }
    return {};
  };
  TRY(answers, held.answers_while({"PFCOUNT", std::string(kNoKey)}, ask_twice, kPatience));
  return !answers;
}

// The mode in which reads go on came with 6.2.
bool knows_modes(const std::string& version) {
  const auto known = number_in(version.substr(0, version.find('.', version.find('.') + 1)));
  constexpr double kSince = 6.2;
  return known && *known >= kSince;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_redis(deed, context));
  const std::string name = shown(prepared.session.address());
  if (!knows_modes(prepared.server.version)) {
    return fail(ErrorCode::unsupported, name + " is version " + prepared.server.version +
                                            ": before 6.2 a pause cannot be ended before its time");
  }
  TRY(held, is_held(prepared.deed.place, context));
  if (held) {
    return fail(ErrorCode::conflict, name + " is paused already",
                "wait until that is over: it would not be seen which pause is the drill's");
  }
  Json arguments = to_json(prepared.deed);
  arguments.set("begun", context.private_folder + "/" + context.mark + ".begun");
  return Undo{"pause-redis", arguments};
}

Status hold(Redis& session) {
  const auto lease = std::chrono::duration_cast<std::chrono::milliseconds>(kLease).count();
  TRY(done, session.change({"CLIENT", "PAUSE", std::to_string(lease), "WRITE"}));
  return {};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  TRY(found, find_redis(pause.deed, context));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  TRY_OK(context.doors.files.write(pause.begun, shown(found.session.address()) + "\n", 0600));
  return hold(found.session);
}

Status renew(const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  TRY(found, find_redis(pause.deed, context));
  return hold(found.session);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  TRY(found, find_redis(pause.deed, context));
  TRY(held, is_held(pause.deed.place, context));
  return Proof{held,
               shown(found.session.address()) +
                   (held ? " answers, and lets a write wait" : " takes a write at once"),
               Json::object({{"held", held}})};
}

// Whoever else has paused it meanwhile is let go on too: the server knows one pause only.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  if (!context.doors.files.exists(pause.begun)) return {};
  TRY(found, find_redis(pause.deed, context));
  TRY(done, found.session.change({"CLIENT", "UNPAUSE"}));
  return {};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  TRY(found, find_redis(pause.deed, context));
  TRY(held, is_held(pause.deed.place, context));
  const bool ours = context.doors.files.exists(pause.begun);
  return Proof{
      !held || !ours,
      shown(found.session.address()) + (!held  ? " takes writes"
                                        : ours ? " lets a write wait yet"
                                               : " is paused by somebody else, not by this drill"),
      Json::object({{"held", held}})};
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(pause, pause_in(undo));
  return context.doors.files.remove(pause.begun);
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(place, redis_place_of(deed, context));
  TRY(session, open_redis(place, context));
  const RedisCommand begins[] = {{"PING"}, {"CLIENT", "PAUSE", kNoValue, "WRITE"}};
  TRY_OK(session.may(begins));
  TRY(held, is_held(place, context));
  if (held) {
    return fail(ErrorCode::conflict, shown(session.address()) +
                                         " is paused: whether we may end a pause is not asked "
                                         "while there is one of somebody else's");
  }
  const RedisCommand ends[] = {{"CLIENT", "UNPAUSE"}};
  return session.may(ends);
}

}  // namespace

extern const FaultRow pause_redis_fault;
const FaultRow pause_redis_fault{
    .name = "pause-redis",
    .summary = "A Redis server lets every write wait, as one that fails over does; reads go on.",
    .fields = {},
    .facet = "redis",
    .reversal = Reversal::exact,
    .effect = Effect::stops,
    .rights = "INFO, PING, CLIENT PAUSE and CLIENT UNPAUSE; PFCOUNT of keys named gameday:*",
    .example = "- { fault: pause-redis, target: sessions, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .renew = renew,
    .as = "pause",
    .may = may,
};

}  // namespace gameday
