#include "drills/systems/redis.h"

#include <algorithm>
#include <optional>

#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kRoles[] = {"master", "replica"};

constexpr Field kExpect[] = {
    {.name = "latency",
     .type = FieldType::duration,
     .help = "How long a PING may take, at most, on a connection that stands."},
    {.name = "role",
     .type = FieldType::choice,
     .help = "Whether it is a master, which takes writes, or a replica.",
     .choices = kRoles},
    {.name = "replicas",
     .type = FieldType::comparison,
     .help = "How many replicas follow it and are up to date with its stream."},
    {.name = "lag",
     .type = FieldType::duration,
     .help = "How long ago a master has heard of its furthest replica, at most, or a replica of "
             "its master, which says something every 10 s at least. A stream that does not stand "
             "is too long."},
    {.name = "lag_bytes",
     .type = FieldType::size,
     .help = "How many bytes of its stream a master's furthest replica is behind, at most."},
    {.name = "keys",
     .type = FieldType::comparison,
     .help = "How many keys the target's database has."},
    {.name = "exists",
     .type = FieldType::boolean,
     .help = "Whether `key` must be there, of whatever kind."},
    {.name = "value",
     .type = FieldType::comparison,
     .help = "What `key`, which holds a string, must be: a value, or a comparison like \"> 5\"."},
};

constexpr Field kFields[] = {
    {.name = "target",
     .type = FieldType::target,
     .help = "A target of the system with a `redis` facet.",
     .required = true},
    {.name = "key", .help = "The key that `exists` and `value` are about."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What must be so of it; without this, that it answers a PING is enough.",
     .fields = kExpect},
};

Answer compared(const Json& expect, std::string_view name, const Json& seen,
                const std::string& told) {
  const auto comparison = comparison_of(expect.get(name));
  if (!comparison) return {false, comparison.error().text};
  if (comparison->holds(seen)) return {true, told};
  return {false, "expected " + comparison->shown() + ", but " + told};
}

// How far replication is behind, as this server sees it; nothing: no stream stands.
struct Stream {
  std::int64_t replicas = 0;
  std::optional<std::int64_t> seconds;
  std::optional<std::int64_t> bytes;
};

// The value of `name` in "ip=127.0.0.1,port=1,state=online,offset=14,lag=0".
std::string part_of(const std::string& told, const std::string& name) {
  for (const auto& part : split(told, ',')) {
    if (part.starts_with(name + "=")) return part.substr(name.size() + 1);
  }
  return "";
}

Stream stream_of(const RedisInfo& info) {
  Stream stream;
  if (told_in(info, "role") != "master") {
    if (told_in(info, "master_link_status") == "up") {
      stream.seconds = number_in(info, "master_last_io_seconds_ago");
    }
    return stream;
  }
  const std::int64_t known = number_in(info, "connected_slaves");
  for (std::int64_t at = 0; at < known; ++at) {
    const std::string told = told_in(info, "slave" + std::to_string(at));
    const auto offset = number_in(part_of(told, "offset")), lag = number_in(part_of(told, "lag"));
    if (part_of(told, "state") != "online" || !offset || !lag) return {stream.replicas, {}, {}};
    ++stream.replicas;
    const auto behind = number_in(info, "master_repl_offset") - static_cast<std::int64_t>(*offset);
    stream.bytes = std::max(stream.bytes.value_or(0), behind);
    stream.seconds = std::max(stream.seconds.value_or(0), static_cast<std::int64_t>(*lag));
  }
  return stream;
}

Answer judged_lag(const Stream& stream, const Json& expect) {
  if (const auto most = duration_in(expect, "lag")) {
    if (!stream.seconds) return {false, "replication does not stand, so its lag is not known"};
    const std::string told = "heard of " + std::to_string(*stream.seconds) + " s ago";
    if (std::chrono::seconds(*stream.seconds) > *most) {
      return {false, told + ", at most " + expect.text("lag")};
    }
  }
  if (const auto most = size_in(expect, "lag_bytes")) {
    if (!stream.bytes) return {false, "no replica follows, so how far it is behind is not known"};
    if (*stream.bytes > *most) {
      return {false, "replication is " + std::to_string(*stream.bytes) + " bytes behind, at most " +
                         expect.text("lag_bytes")};
    }
  }
  return {true, ""};
}

Answer judged_replication(Redis& session, const Json& expect) {
  const std::string wanted = expect.text("role");
  const bool asked = std::ranges::any_of(
      std::initializer_list<const char*>{"role", "replicas", "lag", "lag_bytes"},
      [&](const char* name) { return expect.find(name); });
  if (!asked) return {true, ""};
  const auto info = info_of(session, "replication");
  if (!info) return {false, info.error().text};
  const std::string role = told_in(*info, "role") == "master" ? "master" : "replica";
  if (!wanted.empty() && role != wanted) return {false, "it is a " + role};
  const Stream stream = stream_of(*info);
  if (expect.find("replicas") != nullptr) {
    const Answer counted = compared(expect, "replicas", stream.replicas,
                                    std::to_string(stream.replicas) + " replicas follow it");
    if (!counted.ok) return counted;
  }
  return judged_lag(stream, expect);
}

Answer judged_keys(Redis& session, const std::string& key, const Json& expect) {
  if (expect.find("keys") != nullptr) {
    const auto size = session.ask({"DBSIZE"});
    if (!size) return {false, size.error().text};
    const Answer counted =
        compared(expect, "keys", size->number, "it has " + std::to_string(size->number) + " keys");
    if (!counted.ok) return counted;
  }
  if (expect.find("exists") != nullptr) {
    const auto there = session.ask({"EXISTS", key});
    if (!there) return {false, there.error().text};
    if ((there->number != 0) != expect.boolean("exists", true)) {
      return {false, key + (there->number != 0 ? " is there" : " is not there")};
    }
  }
  if (expect.find("value") == nullptr) return {true, ""};
  const auto value = session.ask({"GET", key});
  if (!value) return {false, value.error().text};
  if (value->is_nothing()) return {false, key + " is not there"};
  return compared(expect, "value", value->text, key + " is " + valid_utf8(value->text));
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Target* target = context.system.target(arguments.text("target"));
  if (target == nullptr) return {false, "no target is called " + arguments.text("target")};
  const auto place = redis_place_of(*target);
  if (!place) return {false, place.error().text};
  auto session = open_redis(*place, context);
  if (!session) return {false, session.error().text};
  const Json& expect = arguments.get("expect");
  const Instant sent = context.doors.clock.now().boot;
  if (const auto pong = session->ask({"PING"}); !pong) return {false, pong.error().text};
  const Duration took = context.doors.clock.now().boot - sent;
  const std::string told = "answered a PING in " + shown(took);
  if (const auto most = duration_in(expect, "latency"); most && took > *most) {
    return {false, told + ", at most " + expect.text("latency")};
  }
  for (const Answer& judged : {judged_replication(*session, expect),
                               judged_keys(*session, arguments.text("key"), expect)}) {
    if (!judged.ok) return judged;
  }
  return {true, told};
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  const std::string name = arguments.text("target");
  const Target* target = system.target(name);
  if (target != nullptr && target->facets.find("redis") == nullptr) {
    return WrongField{"target", name + " has no `redis` facet"};
  }
  if (target != nullptr) {
    if (const auto place = redis_place_of(*target); !place) {
      return WrongField{"target", place.error().text};
    }
  }
  if (!arguments.text("key").empty()) return {};
  for (const auto* about : {"value", "exists"}) {
    if (arguments.get("expect").find(about) == nullptr) continue;
    return WrongField{std::string("expect.") + about, "there is no `key` that it would be about"};
  }
  return {};
}

}  // namespace

extern const ProbeRow redis_probe;
const ProbeRow redis_probe{
    .name = "redis",
    .summary =
        "Asks a Redis server: how soon it answers, whether it is the master, how far its "
        "replicas are behind, how many keys it has, a key's value.",
    .scalar = "target",
    .fields = kFields,
    .example = "sessions-are-there: { redis: sessions, expect: { keys: \"> 0\", latency: 50ms } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
