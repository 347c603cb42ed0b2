#include "drills/systems/redis.h"

#include <charconv>

#include "engine/base/text.h"

namespace gameday {
namespace {

std::int64_t whole(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Of "keys=12,expires=0,avg_ttl=0".
std::int64_t keys_in(const RedisInfo& info, int database) {
  constexpr std::string_view kKeys = "keys=";
  const std::string told = told_in(info, "db" + std::to_string(database));
  return told.starts_with(kKeys) ? whole(std::string_view(told).substr(kKeys.size())) : 0;
}

}  // namespace

Result<RedisPlace> redis_place_from(const Json& written) {
  RedisPlace place{.address = written.text("address"),
                   .user = written.text("user"),
                   .password = written.text("password"),
                   .tls = written.boolean("tls", false),
                   .ca = written.text("ca"),
                   .database = written.integer("database", 0)};
  if (place.address.empty()) return fail(ErrorCode::corrupt, "a Redis server without an address");
  if (!place.password.empty() && references_in(place.password).empty()) {
    return fail(ErrorCode::refused,
                "`password` stands in the playbook in plain: it would be in the journal",
                "give it as ${env:NAME} or ${file:PATH}");
  }
  if (!place.user.empty() && place.password.empty()) {
    return fail(ErrorCode::invalid, "a Redis user needs a `password`");
  }
  TRY(address, redis_address_of(place.address));
  static_cast<void>(address);
  return place;
}

Result<RedisPlace> redis_place_of(const Target& target) {
  auto place = redis_place_from(target.facets.get("redis"));
  if (!place) return std::unexpected(place.error().in("target " + target.name));
  return place;
}

Result<RedisPlace> redis_place_of(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  return redis_place_of(*target);
}

Json to_json(const RedisPlace& place) {
  return Json::object({{"address", place.address},
                       {"user", place.user},
                       {"password", place.password},
                       {"tls", place.tls},
                       {"ca", place.ca},
                       {"database", place.database}});
}

Result<Redis> open_redis(const RedisPlace& place, const DeedContext& context) {
  TRY(address, redis_address_of(place.address));
  address.tls = place.tls;
  address.ca = place.ca;
  address.database = static_cast<int>(place.database);
  TRY(user, context.secrets.reveal(place.user));
  TRY(password, context.secrets.reveal(place.password));
  address.user = user;
  address.password = password;
  return Redis::connect(address, context.doors.clock, context.until, context.doors.observer);
}

Result<RedisInfo> info_of(Redis& session, const std::string& section) {
  RedisCommand asked{"INFO"};
  if (!section.empty()) asked.push_back(section);
  TRY(told, session.ask(asked));
  RedisInfo info;
  for (const auto& line : split(told.text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.starts_with('#')) continue;
    info.emplace_back(line.substr(0, colon), trimmed(std::string_view(line).substr(colon + 1)));
  }
  return info;
}

std::string told_in(const RedisInfo& info, std::string_view name) {
  for (const auto& [known, value] : info) {
    if (known == name) return valid_utf8(value);
  }
  return "";
}

std::int64_t number_in(const RedisInfo& info, std::string_view name) {
  return whole(told_in(info, name));
}

Result<RedisServer> look_at_redis(Redis& session) {
  TRY(info, info_of(session));
  RedisServer server{.version = told_in(info, "redis_version"),
                     .run_id = told_in(info, "run_id"),
                     .replication_id = told_in(info, "master_replid"),
                     .is_master = told_in(info, "role") == "master",
                     .is_cluster = number_in(info, "cluster_enabled") != 0,
                     .up_for = number_in(info, "uptime_in_seconds"),
                     .replicas = number_in(info, "connected_slaves"),
                     .keys = keys_in(info, session.address().database)};
  if (server.run_id.empty()) {
    return fail(ErrorCode::failed, shown(session.address()) + " does not tell its run_id");
  }
  if (told_in(info, "redis_mode") == "sentinel") {
    return fail(ErrorCode::unsupported, shown(session.address()) + " is a sentinel");
  }
  return server;
}

Result<std::string> redis_setting(const std::string& name, Redis& session) {
  TRY(told, session.ask({"CONFIG", "GET", name}));
  if (told.items.size() < 2) {
    return fail(ErrorCode::unsupported, shown(session.address()) + " has no setting " + name);
  }
  return told.items[1].text;
}

Json to_json(const RedisDeed& deed) {
  return Json::object({{"server", to_json(deed.place)},
                       {"run_id", deed.run_id},
                       {"prepared", rfc3339(deed.prepared)}});
}

Result<RedisDeed> redis_deed_from(const Undo& undo) {
  TRY(place, redis_place_from(undo.arguments.get("server")));
  const auto prepared = parse_rfc3339(undo.arguments.text("prepared"));
  RedisDeed deed{place, undo.arguments.text("run_id"), prepared.value_or(Utc{})};
  if (deed.run_id.empty() || !prepared) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks its server's run_id");
  }
  return deed;
}

Result<RedisPrepared> prepare_redis(const Deed& deed, const DeedContext& context) {
  TRY(place, redis_place_of(deed, context));
  TRY(session, open_redis(place, context));
  TRY(server, look_at_redis(session));
  RedisDeed made{place, server.run_id, context.doors.clock.now().utc};
  return RedisPrepared{std::move(made), std::move(server), std::move(session)};
}

Result<RedisFound> find_redis(const RedisDeed& deed, const DeedContext& context) {
  // Its seconds are whole ones, and its clock may be another machine's.
  constexpr Duration kSlack = std::chrono::seconds(2);
  TRY(session, open_redis(deed.place, context));
  TRY(server, look_at_redis(session));
  if (server.run_id == deed.run_id) return RedisFound{std::move(session), false};
  const Utc started = context.doors.clock.now().utc - std::chrono::seconds(server.up_for);
  if (started + kSlack >= deed.prepared) return RedisFound{std::move(session), true};
  return fail(ErrorCode::conflict,
              shown(session.address()) +
                  " is another server than the one of this deed: its run id "
                  "is " +
                  server.run_id + ", not " + deed.run_id + ", and it was up before that",
              "undo it at the server that was there; `gameday revert` once the address is its own "
              "again");
}

Result<RedisWrites> try_writing(Redis& session) {
  TRY(told, session.say({"DEL", std::string(kNoKey)}));
  if (!told.is_error()) return RedisWrites{true, ""};
  const Error why = error_of(told);
  if (why.code == ErrorCode::refused) {
    return std::unexpected(why.in(shown(session.address()) + ": DEL"));
  }
  return RedisWrites{false, why.text};
}

}  // namespace gameday
