#include "drills/systems/redis_copy.h"

#include <charconv>
#include <set>

#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr const char* kPerScan = "500";
constexpr std::int64_t kLargestFile = std::int64_t{256} << 20;

struct CopiedKey {
  std::string database;
  std::string key, dump;
  std::string expires;  // in milliseconds since 1970; "0": never
};
using CopiedKeys = std::vector<CopiedKey>;

Json to_json(const CopiedKey& key) {
  return Json(Json::Array{key.database, base64(key.key), base64(key.dump), key.expires});
}

Result<CopiedKeys> keys_of(const RedisCopy& copy, const DeedContext& context) {
  if (!context.doors.files.exists(copy.file)) return CopiedKeys();
  TRY(bytes, context.doors.files.read(copy.file, kLargestFile));
  TRY(written, Json::parse(bytes));
  CopiedKeys keys;
  for (const Json& one : written.items("keys")) {
    if (!one.is_array() || one.items().size() != 4) {
      return fail(ErrorCode::corrupt, copy.file + " is no copy of keys");
    }
    const auto& parts = one.items();
    TRY(key, decode_base64(parts[1].text()));
    TRY(dump, decode_base64(parts[2].text()));
    keys.push_back({parts[0].text(), std::move(key), std::move(dump), parts[3].text()});
  }
  return keys;
}

Result<Json> notes_of(const RedisCopy& copy, const DeedContext& context) {
  if (!context.doors.files.exists(copy.notes)) return Json::object();
  TRY(bytes, context.doors.files.read(copy.notes));
  return Json::parse(bytes);
}

// The numbers of its databases that have keys.
Result<std::vector<std::string>> databases_of(Redis& session) {
  TRY(keyspace, info_of(session, "keyspace"));
  std::vector<std::string> found;
  for (const auto& [name, value] : keyspace) {
    if (name.starts_with("db")) found.push_back(name.substr(2));
  }
  return found;
}

// One that has expired since it was scanned has nothing to dump, and is left out.
Status copy_some(const std::string& database, const std::vector<RedisReply>& names, Redis& session,
                 CopiedKeys& keys, std::int64_t& bytes) {
  std::vector<RedisCommand> asks;
  for (const auto& name : names) {
    asks.push_back({"DUMP", name.text});
    asks.push_back({"PEXPIRETIME", name.text});
  }
  TRY(told, session.say_all(asks));
  for (std::size_t at = 0; at < names.size(); ++at) {
    const RedisReply& dump = told[2 * at];
    const RedisReply& expires = told[2 * at + 1];
    for (const auto* reply : {&dump, &expires}) {
      if (reply->is_error()) return std::unexpected(error_of(*reply));
    }
    if (dump.is_nothing()) continue;
    bytes += static_cast<std::int64_t>(dump.text.size() + names[at].text.size());
    keys.push_back({database, names[at].text, dump.text,
                    std::to_string(std::max<std::int64_t>(0, expires.number))});
  }
  if (bytes <= kMostBytesCopied && static_cast<std::int64_t>(keys.size()) <= kMostKeysCopied) {
    return {};
  }
  return fail(ErrorCode::refused, shown(session.address()) +
                                      " has more keys, or more in them, than are copied and put "
                                      "back: " +
                                      std::to_string(kMostKeysCopied) + " keys and 64 MiB");
}

Status copy_database(const std::string& database, Redis& session, CopiedKeys& keys,
                     std::int64_t& bytes) {
  TRY(chosen, session.ask({"SELECT", database}));
  std::set<std::string> seen;  // a scan may tell of one twice
  std::string cursor = "0";
  do {
    TRY(told, session.ask({"SCAN", cursor, "COUNT", kPerScan}));
    if (told.items.size() != 2) return fail(ErrorCode::failed, "SCAN gives no cursor and keys");
    cursor = told.items[0].text;
    std::vector<RedisReply> names;
    for (const auto& name : told.items[1].items) {
      if (seen.insert(name.text).second) names.push_back(name);
    }
    TRY_OK(copy_some(database, names, session, keys, bytes));
  } while (cursor != "0");
  return {};
}

bool has_expired(const CopiedKey& key, const DeedContext& context) {
  std::int64_t at = 0;
  std::from_chars(key.expires.data(), key.expires.data() + key.expires.size(), at);
  const auto now = context.doors.clock.now().utc.time_since_epoch();
  return at != 0 && at <= std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Asks one thing of each of them, in their databases.
template <class Ask, class Take>
Status ask_each(const CopiedKeys& keys, Redis& session, bool changes, const Ask& ask,
                const Take& take) {
  constexpr std::size_t kAtOnce = 500;
  for (std::size_t from = 0; from < keys.size();) {
    const std::string& database = keys[from].database;
    TRY(chosen, session.ask({"SELECT", database}));
    std::vector<RedisCommand> asks;
    std::size_t to = from;
    for (; to < keys.size() && to - from < kAtOnce && keys[to].database == database; ++to) {
      asks.push_back(ask(keys[to]));
    }
    TRY(told, changes ? session.change_all(asks) : session.say_all(asks));
    for (std::size_t at = from; at < to; ++at) TRY_OK(take(at, told[at - from]));
    from = to;
  }
  return {};
}

Result<std::vector<std::size_t>> missing_of(const CopiedKeys& keys, Redis& session,
                                            const DeedContext& context) {
  std::vector<std::size_t> missing;
  const auto take = [&](std::size_t at, const RedisReply& reply) -> Status {
    if (reply.is_error()) return std::unexpected(error_of(reply));
    if (reply.number == 0 && !has_expired(keys[at], context)) missing.push_back(at);
    return {};
  };
  TRY_OK(ask_each(
      keys, session, false, [](const CopiedKey& key) { return RedisCommand{"EXISTS", key.key}; },
      take));
  return missing;
}

// Where whoever took them away did not come to note which, all of them.
CopiedKeys taken_of(CopiedKeys keys, const Json& notes) {
  const Json* noted = notes.find("taken");
  if (noted == nullptr) return keys;
  CopiedKeys taken;
  for (const Json& one : noted->items()) {
    const auto at = static_cast<std::size_t>(one.integer());
    if (at < keys.size()) taken.push_back(std::move(keys[at]));
  }
  return taken;
}

}  // namespace

Json to_json(const RedisCopy& copy) {
  Json json = to_json(copy.deed);
  return json.set("copy", copy.file).set("notes", copy.notes);
}

Result<RedisCopy> redis_copy_from(const Undo& undo) {
  TRY(deed, redis_deed_from(undo));
  RedisCopy copy{deed, undo.arguments.text("copy"), undo.arguments.text("notes")};
  if (copy.file.empty() || copy.notes.empty()) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks its copy or its notes");
  }
  return copy;
}

Status copy_keys(const RedisCopy& copy, const DeedContext& context) {
  TRY(session, open_redis(copy.deed.place, context));
  TRY(databases, databases_of(session));
  CopiedKeys keys;
  std::int64_t bytes = 0;
  for (const auto& database : databases) {
    TRY_OK(copy_database(database, session, keys, bytes));
  }
  Json list = Json::array();
  for (const auto& key : keys) list.push(to_json(key));
  return context.doors.files.write(copy.file, Json::object({{"keys", std::move(list)}}).dump(),
                                   0600);
}

Status note_missing(const RedisCopy& copy, const DeedContext& context) {
  TRY(session, open_redis(copy.deed.place, context));
  TRY(keys, keys_of(copy, context));
  TRY(missing, missing_of(keys, session, context));
  Json list = Json::array();
  for (const auto at : missing) list.push(static_cast<std::int64_t>(at));
  return context.doors.files.write(copy.notes, Json::object({{"taken", std::move(list)}}).dump(),
                                   0600);
}

Result<CopyLooks> look_at_copy(const RedisCopy& copy, const DeedContext& context) {
  TRY(found, find_redis(copy.deed, context));
  TRY(notes, notes_of(copy, context));
  CopyLooks looks{.copied = context.doors.files.exists(copy.file),
                  .restored = notes.boolean("restored", false)};
  TRY(keys, keys_of(copy, context));
  keys = taken_of(std::move(keys), notes);
  TRY(missing, missing_of(keys, found.session, context));
  looks.taken = static_cast<std::int64_t>(keys.size());
  looks.missing = static_cast<std::int64_t>(missing.size());
  return looks;
}

Status put_copy_back(const RedisCopy& copy, const DeedContext& context) {
  TRY(found, find_redis(copy.deed, context));
  TRY(notes, notes_of(copy, context));
  if (notes.boolean("restored", false) || !context.doors.files.exists(copy.file)) return {};
  TRY(keys, keys_of(copy, context));
  keys = taken_of(std::move(keys), notes);
  std::int64_t newer = 0;
  const auto take = [&](std::size_t, const RedisReply& reply) -> Status {
    if (reply.is_error() && !reply.text.starts_with("BUSYKEY")) {
      return std::unexpected(error_of(reply));
    }
    newer += reply.is_error() ? 1 : 0;
    return {};
  };
  const auto ask = [](const CopiedKey& key) {
    return RedisCommand{"RESTORE", key.key, key.expires, key.dump, "ABSTTL"};
  };
  TRY_OK(ask_each(keys, found.session, true, ask, take));
  notes.set("restored", true).set("newer", newer);
  return context.doors.files.write(copy.notes, notes.dump(), 0600);
}

Status erase_copy(const RedisCopy& copy, const DeedContext& context) {
  TRY_OK(context.doors.files.remove(copy.file));
  return context.doors.files.remove(copy.notes);
}

}  // namespace gameday
