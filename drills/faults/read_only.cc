// A Redis master that takes no writes, as one does that has lost its replicas: it is told to want
// more of them than there can be. That number is made of the deed's mark, so that whoever undoes
// can tell it from what somebody else has set.
#include "drills/systems/redis.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr const char* kSetting = "min-replicas-to-write";
constexpr const char* kMaxLag = "min-replicas-max-lag";
constexpr std::int64_t kLeastOfOurs = 1'000'000'000;

// What nobody wants by himself, and the same for the same mark; the setting holds 31 bits.
std::int64_t number_of(const std::string& mark) {
  constexpr std::size_t kDigits = 7;
  const std::string digest = sha256(mark);
  return kLeastOfOurs + std::stoll(digest.substr(digest.find(':') + 1, kDigits), nullptr, 16);
}

struct Refusal {
  RedisDeed deed;
  std::string ours;    // the number that we set
  std::string before;  // and the one of before
};

Result<Refusal> refusal_in(const Undo& undo) {
  TRY(deed, redis_deed_from(undo));
  Refusal refusal{deed, undo.arguments.text("ours"), undo.arguments.text("before")};
  if (refusal.ours.empty() || refusal.before.empty()) {
    return fail(ErrorCode::corrupt, "an undo of read-only lacks what was set");
  }
  return refusal;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_redis(deed, context));
  const std::string name = shown(prepared.session.address());
  TRY(before, redis_setting(kSetting, prepared.session));
  TRY(max_lag, redis_setting(kMaxLag, prepared.session));
  if (!prepared.server.is_master) {
    return fail(ErrorCode::refused, name + " is a replica, which takes no writes of clients");
  }
  if (before.size() >= std::to_string(kLeastOfOurs).size()) {
    return fail(ErrorCode::conflict, name + " wants " + before + " replicas, as drills set it",
                "`gameday revert`, or CONFIG SET min-replicas-to-write by hand");
  }
  if (max_lag == "0") {
    return fail(ErrorCode::unsupported,
                name + " has min-replicas-max-lag 0, with which it looks for no replicas");
  }
  TRY(writes, try_writing(prepared.session));
  if (!writes.taken) {
    return fail(ErrorCode::refused, name + " takes no writes as it is: " + writes.answer);
  }
  Json arguments = to_json(prepared.deed);
  arguments.set("ours", std::to_string(number_of(context.mark))).set("before", before);
  return Undo{"read-only", arguments};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(refusal, refusal_in(undo));
  TRY(found, find_redis(refusal.deed, context));
  TRY(now, redis_setting(kSetting, found.session));
  if (found.restarted || now != refusal.before) {
    return fail(ErrorCode::conflict, shown(found.session.address()) +
                                         " is not as it was when the drill began: it wants " + now +
                                         " replicas, not " + refusal.before);
  }
  TRY(set, found.session.change({"CONFIG", "SET", kSetting, refusal.ours}));
  return {};
}

// As a client sees it, whose write is refused and whose reading is not.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(refusal, refusal_in(undo));
  TRY(found, find_redis(refusal.deed, context));
  TRY(read, found.session.say({"EXISTS", std::string(kNoKey)}));
  TRY(writes, try_writing(found.session));
  Proof proof{.held = !writes.taken && writes.answer.starts_with("NOREPLICAS") && !read.is_error(),
              .text = shown(found.session.address()),
              .facts = Json::object({{"answer", writes.answer}})};
  proof.text += writes.taken      ? " takes a write"
                : read.is_error() ? " answers neither writes nor reads"
                                  : " refuses a write (" + writes.answer + ") and takes a read";
  return proof;
}

// What is not the number of ours somebody else has set, or it went with a restart.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(refusal, refusal_in(undo));
  TRY(found, find_redis(refusal.deed, context));
  TRY(now, redis_setting(kSetting, found.session));
  if (now != refusal.ours) return {};
  TRY(set, found.session.change({"CONFIG", "SET", kSetting, refusal.before}));
  return {};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(refusal, refusal_in(undo));
  TRY(found, find_redis(refusal.deed, context));
  TRY(now, redis_setting(kSetting, found.session));
  TRY(writes, try_writing(found.session));
  Proof proof{.held = now != refusal.ours,
              .text = shown(found.session.address()) + " wants " + now + " replicas",
              .facts = Json::object({{"setting", now}, {"restarted", found.restarted}})};
  if (writes.taken) proof.text += " and takes a write";
  if (proof.held && !writes.taken) {
    proof.text += "; it takes no writes, by somebody else's doing: " + writes.answer;
    proof.facts.set("superseded", true);
  }
  return proof;
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(place, redis_place_of(deed, context));
  TRY(session, open_redis(place, context));
  const RedisCommand needed[] = {{"CONFIG", "GET", kSetting},
                                 {"CONFIG", "SET", kSetting, kNoValue},
                                 {"EXISTS", std::string(kNoKey)},
                                 {"DEL", std::string(kNoKey)}};
  return session.may(needed);
}

}  // namespace

extern const FaultRow read_only_fault;
const FaultRow read_only_fault{
    .name = "read-only",
    .summary =
        "A Redis master refuses writes, as one without its replicas does, and goes on "
        "answering reads.",
    .fields = {},
    .facet = "redis",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights = "INFO, CONFIG GET and CONFIG SET; EXISTS and DEL of keys named gameday:*",
    .example = "- { fault: read-only, target: sessions, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
