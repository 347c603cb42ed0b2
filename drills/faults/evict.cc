// A Redis server that evicts keys, as one does that has no memory left: it is told to make do with
// less by a policy of its own, and has its memory back when it has evicted. Which keys go is its
// choice, of all its databases; all are copied before, and those that went are put back.
#include <algorithm>

#include "drills/systems/redis_copy.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr const char* kMemory = "maxmemory";
constexpr const char* kPolicy = "maxmemory-policy";
constexpr std::string_view kPolicies[] = {"allkeys-lru",  "allkeys-lfu",  "allkeys-random",
                                          "volatile-lru", "volatile-lfu", "volatile-random",
                                          "volatile-ttl"};

constexpr Field kFields[] = {
    {.name = "share",
     .type = FieldType::percent,
     .help = "How much of the memory that its data take is to become free by it; more goes where "
             "keys are few and small.",
     .otherwise = "50%",
     .required = false,
     .least = 0.01,
     .most = 1},
    {.name = "policy",
     .type = FieldType::choice,
     .help = "By which it chooses, as its maxmemory-policy names them. A key that the system makes "
             "anew stays as it makes it; one that it writes or removes in the moment between the "
             "copy and its "
             "eviction comes back as it was copied.",
     .otherwise = "allkeys-lru",
     .choices = kPolicies},
};

struct Eviction {
  RedisCopy copy;
  std::string memory, policy;  // as they were
  std::string limit, chosen;   // as we set them
  std::int64_t evicted = 0;    // by the server's count, before
};

Result<Eviction> eviction_in(const Undo& undo) {
  TRY(copy, redis_copy_from(undo));
  const Json& from = undo.arguments;
  Eviction eviction{copy,
                    from.text("maxmemory"),
                    from.text("policy"),
                    from.text("limit"),
                    from.text("chosen"),
                    from.integer("evicted", 0)};
  if (eviction.memory.empty() || eviction.policy.empty() || eviction.limit.empty()) {
    return fail(ErrorCode::corrupt, "an undo of evict lacks what was set");
  }
  return eviction;
}

Result<std::int64_t> counted(const std::string& section, const std::string& name, Redis& session) {
  TRY(info, info_of(session, section));
  return number_in(info, name);
}

Status refuse_what_cannot_come_back(const RedisPrepared& prepared, const RedisInfo& memory,
                                    std::int64_t keys) {
  const std::string name = shown(prepared.session.address());
  if (!prepared.server.is_master) {
    return fail(ErrorCode::refused, name + " is a replica: what it has is its master's");
  }
  if (keys == 0) {
    return fail(ErrorCode::refused, name + " has no keys, so there is nothing to evict");
  }
  if (keys > kMostKeysCopied || number_in(memory, "used_memory_dataset") > 4 * kMostBytesCopied) {
    return fail(ErrorCode::refused, name +
                                        " has more keys, or more in them, than are copied and "
                                        "put back: " +
                                        std::to_string(kMostKeysCopied) + " keys and 64 MiB");
  }
  return {};
}

// The keys of all its databases.
std::int64_t keys_in_all(const RedisInfo& keyspace) {
  constexpr std::string_view kBegins = "keys=";
  std::int64_t sum = 0;
  for (const auto& [name, value] : keyspace) {
    if (value.starts_with(kBegins)) sum += std::atoll(value.c_str() + kBegins.size());
  }
  return sum;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_redis(deed, context));
  Redis& session = prepared.session;
  TRY(memory, info_of(session, "memory"));
  TRY(keyspace, info_of(session, "keyspace"));
  TRY_OK(refuse_what_cannot_come_back(prepared, memory, keys_in_all(keyspace)));
  TRY(before, redis_setting(kMemory, session));
  TRY(policy, redis_setting(kPolicy, session));
  TRY(evicted, counted("stats", "evicted_keys", session));
  const double share = percent_in(deed.arguments, "share").value_or(0.5);
  const auto less = static_cast<std::int64_t>(
      share * static_cast<double>(number_in(memory, "used_memory_dataset")));
  const std::int64_t limit = std::max<std::int64_t>(1, number_in(memory, "used_memory") - less);
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  const std::string own = context.private_folder + "/" + context.mark;
  Json arguments = to_json(RedisCopy{prepared.deed, own + ".keys", own + ".notes"});
  arguments.set("maxmemory", before)
      .set("policy", policy)
      .set("limit", std::to_string(limit))
      .set("chosen", deed.arguments.text("policy", "allkeys-lru"))
      .set("evicted", evicted);
  return Undo{"evict", std::move(arguments)};
}

// What has another value than ours somebody else has set, or it went with a restart. The memory
// first: until it is back, the policy goes on evicting.
Status put_settings_back(const Eviction& eviction, Redis& session) {
  TRY(memory, redis_setting(kMemory, session));
  if (memory == eviction.limit) {
    TRY(set, session.change({"CONFIG", "SET", kMemory, eviction.memory}));
  }
  TRY(policy, redis_setting(kPolicy, session));
  if (policy != eviction.chosen || policy == eviction.policy) return {};
  TRY(set, session.change({"CONFIG", "SET", kPolicy, eviction.policy}));
  return {};
}

// Until it has evicted as much as it is to, or all that it can.
Status wait_until_evicted(const Eviction& eviction, Redis& session, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(20),
                     kStill = std::chrono::milliseconds(200), kPatience = std::chrono::seconds(3);
  const Clock& clock = context.doors.clock;
  std::int64_t last = eviction.evicted;
  Instant since = clock.now().boot;
  while (true) {
    TRY(evicted, counted("stats", "evicted_keys", session));
    TRY(used, counted("memory", "used_memory", session));
    if (evicted != last) since = clock.now().boot;
    last = evicted;
    const bool any = evicted > eviction.evicted;
    const Duration still = clock.now().boot - since;
    if (any && (used <= std::stoll(eviction.limit) || still >= kStill)) return {};
    if (still >= kPatience) {
      return fail(ErrorCode::failed,
                  shown(session.address()) + " evicts nothing by " + eviction.chosen);
    }
    TRY_OK(clock.pause(kAgain, context.until));
  }
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(eviction, eviction_in(undo));
  TRY(found, find_redis(eviction.copy.deed, context));
  TRY(memory, redis_setting(kMemory, found.session));
  TRY(policy, redis_setting(kPolicy, found.session));
  if (found.restarted || memory != eviction.memory || policy != eviction.policy) {
    return fail(ErrorCode::conflict,
                shown(found.session.address()) + " is not as it was when the drill began");
  }
  TRY_OK(copy_keys(eviction.copy, context));
  TRY(chosen, found.session.change({"CONFIG", "SET", kPolicy, eviction.chosen}));
  TRY(less, found.session.change({"CONFIG", "SET", kMemory, eviction.limit}));
  TRY_OK(wait_until_evicted(eviction, found.session, context));
  TRY_OK(put_settings_back(eviction, found.session));
  return note_missing(eviction.copy, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(eviction, eviction_in(undo));
  TRY(looks, look_at_copy(eviction.copy, context));
  TRY(found, find_redis(eviction.copy.deed, context));
  TRY(evicted, counted("stats", "evicted_keys", found.session));
  const std::int64_t by_server = evicted - eviction.evicted;
  return Proof{.held = by_server > 0 && looks.copied && !looks.restored && looks.missing > 0,
               .text = shown(found.session.address()) + " has evicted " +
                       std::to_string(std::max<std::int64_t>(0, by_server)) + " keys; of " +
                       std::to_string(looks.taken) + " that were copied and went, " +
                       std::to_string(looks.missing) + " are not there",
               .facts = Json::object(
                   {{"evicted", by_server}, {"taken", looks.taken}, {"missing", looks.missing}})};
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(eviction, eviction_in(undo));
  TRY(found, find_redis(eviction.copy.deed, context));
  TRY_OK(put_settings_back(eviction, found.session));
  return put_copy_back(eviction.copy, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(eviction, eviction_in(undo));
  TRY(found, find_redis(eviction.copy.deed, context));
  TRY(memory, redis_setting(kMemory, found.session));
  TRY(looks, look_at_copy(eviction.copy, context));
  const std::string name = shown(found.session.address());
  if (memory == eviction.limit && memory != eviction.memory) {
    return Proof{false, name + " is still told to make do with " + memory + " bytes"};
  }
  if (looks.copied && !looks.restored && looks.missing > 0) {
    return Proof{false, std::to_string(looks.missing) +
                            " keys are not put back; they are kept in " + eviction.copy.file};
  }
  Proof proof{.held = true,
              .text = name + " has the keys again that it had evicted",
              .facts = Json::object({{"taken", looks.taken}, {"missing", looks.missing}})};
  if (looks.missing > 0) {
    proof.text = std::to_string(looks.missing) +
                 " of the keys that were put back are not there "
                 "any more, by somebody else's doing";
  }
  return proof;
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(eviction, eviction_in(undo));
  return keep ? Status{} : erase_copy(eviction.copy, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(place, redis_place_of(deed, context));
  TRY(session, open_redis(place, context));
  std::vector<RedisCommand> needed{{"CONFIG", "GET", kMemory},
                                   {"CONFIG", "SET", kMemory, kNoValue},
                                   {"SELECT", std::to_string(place.database)},
                                   {"SCAN", "0"}};
  // What holds for two names that have nothing in common holds for all.
  for (const std::string& key : {std::string(kNoKey), std::string("nobody:gameday")}) {
    needed.push_back({"EXISTS", key});
    needed.push_back({"DUMP", key});
    needed.push_back({"PEXPIRETIME", key});
    needed.push_back({"RESTORE", key, "0", "no dump", "ABSTTL"});
  }
  return session.may(needed);
}

}  // namespace

extern const FaultRow evict_fault;
const FaultRow evict_fault{
    .name = "evict",
    .summary = "A Redis server evicts keys, as one without memory does; they are copied before.",
    .fields = kFields,
    .facet = "redis",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "INFO, CONFIG GET and CONFIG SET; SELECT, SCAN, EXISTS, DUMP, PEXPIRETIME and RESTORE, on "
        "all keys: those of Redis 7",
    .example = "- { fault: evict, target: sessions, share: 50%, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may,
};

}  // namespace gameday
