// How a Redis server is spoken to: where it is, who we are there, what it says of itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/redis.h"

namespace gameday {

// As the playbook gives it: secrets still as references.
struct RedisPlace {
  std::string address;
  std::string user = {};
  std::string password = {};
  bool tls = false;
  std::string ca = {};
  std::int64_t database = 0;
};
// refused: a password that stands there in plain.
[[nodiscard]] Result<RedisPlace> redis_place_of(const Target& target);
[[nodiscard]] Json to_json(const RedisPlace& place);
[[nodiscard]] Result<RedisPlace> redis_place_from(const Json& written);

[[nodiscard]] Result<Redis> open_redis(const RedisPlace& place, const DeedContext& context);

// What it says of itself.
struct RedisServer {
  std::string version;
  std::string run_id;  // of this one process, from its start to its end
  std::string replication_id;
  bool is_master = true;
  bool is_cluster = false;
  std::int64_t up_for = 0;  // seconds
  std::int64_t replicas = 0;
  std::int64_t keys = 0;  // in the place's database
};
[[nodiscard]] Result<RedisServer> look_at_redis(Redis& session);
// Its INFO, of one section or of what it tells by itself: {name, value}, in its order.
using RedisInfo = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Result<RedisInfo> info_of(Redis& session, const std::string& section = "");
// Empty, or 0, where it tells no such thing.
[[nodiscard]] std::string told_in(const RedisInfo& info, std::string_view name);
[[nodiscard]] std::int64_t number_in(const RedisInfo& info, std::string_view name);

// A setting of the server's as it is now. unsupported: it has none of that name.
[[nodiscard]] Result<std::string> redis_setting(const std::string& name, Redis& session);

// What an undo says of the server that its deed was done to, and a session there.
struct RedisDeed {
  RedisPlace place;
  std::string run_id;
  Utc prepared;
};
[[nodiscard]] Json to_json(const RedisDeed& deed);
[[nodiscard]] Result<RedisDeed> redis_deed_from(const Undo& undo);

struct RedisPrepared {
  RedisDeed deed;
  RedisServer server;
  Redis session;
};
[[nodiscard]] Result<RedisPlace> redis_place_of(const Deed& deed, const DeedContext& context);
[[nodiscard]] Result<RedisPrepared> prepare_redis(const Deed& deed, const DeedContext& context);

// The deed's server. conflict: another one answers at its address, which was up already when the
// deed was prepared, so that what the deed has left is somewhere else.
struct RedisFound {
  Redis session;
  bool restarted = false;  // since: what lived in its memory alone is gone with that
};
[[nodiscard]] Result<RedisFound> find_redis(const RedisDeed& deed, const DeedContext& context);

// A name in the keyspace that is nobody's: what needs a key to be asked is asked with it.
inline constexpr std::string_view kNoKey = "gameday:nobody";
// What is no number, no database and no value of a setting: with it a command is asked for that the
// server then finds wrong.
inline constexpr const char* kNoValue = "gameday";

// Whether it takes writes now, as a client finds: by removing a key that is nobody's.
struct RedisWrites {
  bool taken = false;
  std::string answer;  // the server's own word where it does not take them: "NOREPLICAS ..."
};
[[nodiscard]] Result<RedisWrites> try_writing(Redis& session);

}  // namespace gameday
