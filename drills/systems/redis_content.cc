#include "drills/systems/redis_content.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "drills/systems/redis.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr const char* kPerScan = "500";
constexpr std::size_t kAsked = 4;    // questions about a key
constexpr std::size_t kFooter = 10;  // of a dump: its version and its checksum
constexpr std::int64_t kMostOfAList = std::int64_t{4} << 30;
constexpr std::string_view kStream = "stream";

using Spot = std::pair<std::int64_t, std::string_view>;

Spot spot_of(const RedisKey& key) { return {key.database, key.name}; }

bool whole(std::string_view text, std::int64_t& number) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc() && end == text.data() + text.size();
}

// The digest that the server gives leaves out the groups of a stream; how that one is dumped does
// not depend on how it came about.
Result<std::string> digest_of_stream(const std::string& name, Redis& session) {
  TRY(dump, session.ask({"DUMP", name}));
  const std::size_t size = dump.text.size();
  return sha256(std::string_view(dump.text).substr(0, size - std::min(size, kFooter)));
}

// One that has expired since it was scanned is left out.
Status read_some(std::int64_t database, const std::vector<std::string>& names, Redis& session,
                 RedisContent& content) {
  std::vector<RedisCommand> asks;
  for (const auto& name : names) {
    asks.push_back({"TYPE", name});
    asks.push_back({"DEBUG", "DIGEST-VALUE", name});
    asks.push_back({"PEXPIRETIME", name});
    asks.push_back({"EXISTS", name});
  }
  TRY(told, session.say_all(asks));
  for (std::size_t at = 0; at < names.size(); ++at) {
    const auto* const of_it = &told[kAsked * at];
    for (std::size_t one = 0; one < kAsked; ++one) {
      if (of_it[one].is_error()) return std::unexpected(error_of(of_it[one]));
    }
    if (of_it[3].number == 0) continue;
    if (of_it[1].items.size() != 1) {
      return fail(ErrorCode::failed, "DEBUG DIGEST-VALUE does not give one digest");
    }
    RedisKey key{database, names[at], of_it[0].text, of_it[1].items[0].text,
                 std::max<std::int64_t>(0, of_it[2].number)};
    if (key.kind == kStream) {
      TRY(digest, digest_of_stream(key.name, session));
      key.digest = digest;
    }
    content.keys.push_back(std::move(key));
  }
  return {};
}

Status read_database(std::int64_t database, Redis& session, RedisContent& content) {
  TRY(chosen, session.ask({"SELECT", std::to_string(database)}));
  std::set<std::string> seen;  // a scan may tell of one twice
  std::string cursor = "0";
  do {
    TRY(told, session.ask({"SCAN", cursor, "COUNT", kPerScan}));
    if (told.items.size() != 2) return fail(ErrorCode::failed, "SCAN gives no cursor and keys");
    cursor = told.items[0].text;
    std::vector<std::string> names;
    for (const auto& name : told.items[1].items) {
      if (seen.insert(name.text).second) names.push_back(name.text);
    }
    TRY_OK(read_some(database, names, session, content));
  } while (cursor != "0");
  return {};
}

Result<RedisKey> key_from(std::string_view line) {
  const auto parts = split(line, ' ');
  RedisKey key;
  if (parts.size() != 5 || !whole(parts[0], key.database) || !whole(parts[2], key.expires)) {
    return fail(ErrorCode::corrupt, "this is no list of keys");
  }
  TRY(name, decode_base64(parts[4]));
  key.kind = parts[1];
  key.digest = parts[3];
  key.name = std::move(name);
  return key;
}

// What is wrong with what was found for a key; empty: nothing. A name may be somebody's session,
// and is told to nobody.
std::string_view wrong_with(const RedisKey& wanted, const RedisKey* found) {
  if (found == nullptr) return "missing";
  if (found->kind != wanted.kind) return "of another kind";
  if (found->digest != wanted.digest) return "of another value";
  if (found->expires != wanted.expires) return "to expire at another time";
  return "";
}

// Those of one database, or of all, by database and name.
std::map<Spot, const RedisKey*> chosen(const RedisContent& content, bool all, std::int64_t database,
                                       std::int64_t as) {
  std::map<Spot, const RedisKey*> found;
  for (const auto& key : content.keys) {
    if (!all && key.database != database) continue;
    found.emplace(all ? spot_of(key) : Spot{as, key.name}, &key);
  }
  return found;
}

}  // namespace

std::int64_t RedisContent::count(std::int64_t database) const {
  return std::ranges::count(keys, database, &RedisKey::database);
}

std::string to_text(const RedisContent& content) {
  std::string text;
  for (const auto& key : content.keys) {
    text += std::to_string(key.database) + " " + key.kind + " " + std::to_string(key.expires) +
            " " + key.digest + " " + base64(key.name) + "\n";
  }
  return text;
}

Result<RedisContent> redis_content_from(std::string_view text) {
  RedisContent content;
  for (const auto& line : split(text, '\n')) {
    if (line.empty()) continue;
    TRY(key, key_from(line));
    content.keys.push_back(std::move(key));
  }
  return content;
}

Result<RedisContent> load_redis_content(const std::string& path, const std::string& digest,
                                        const Files& files) {
  TRY(text, files.read(path, kMostOfAList));
  if (sha256(text) != digest) {
    return fail(ErrorCode::conflict, path + " is not the list that the backup's step wrote");
  }
  return redis_content_from(text);
}

Json counted(const RedisContent& content) {
  std::map<std::int64_t, std::int64_t> counts;
  for (const auto& key : content.keys) ++counts[key.database];
  Json json = Json::object();
  for (const auto& [database, count] : counts) json.set(std::to_string(database), count);
  return json;
}

Result<RedisContent> read_redis_content(Redis& session, const DeedContext& context) {
  TRY(keyspace, info_of(session, "keyspace"));
  RedisContent content;
  for (const auto& [name, value] : keyspace) {
    std::int64_t database = 0;
    if (!name.starts_with("db") || !whole(std::string_view(name).substr(2), database)) continue;
    TRY_OK(read_database(database, session, content));
    TRY_OK(context.doors.clock.pause(Duration(0), context.until));
  }
  std::ranges::sort(content.keys, {}, spot_of);
  return content;
}

RedisDifference compare_redis(const RedisContent& wanted, const RedisContent& found,
                              const std::optional<RedisDatabases>& databases, Utc now) {
  // Two clocks are never the same: what is due to go within that time is not looked for.
  constexpr Duration kSlack = std::chrono::seconds(2);
  const auto due =
      std::chrono::duration_cast<std::chrono::milliseconds>((now + kSlack).time_since_epoch())
          .count();
  const bool all = !databases;
  const RedisDatabases which = databases.value_or(RedisDatabases{});
  const auto meant = chosen(wanted, all, which.wanted, 0);
  const auto there = chosen(found, all, which.found, 0);
  RedisDifference difference;
  std::map<std::string_view, std::int64_t> ways;
  for (const auto& [place, key] : meant) {
    const auto at = there.find(place);
    const RedisKey* const other = at == there.end() ? nullptr : at->second;
    if (key->expires != 0 && key->expires <= due && other == nullptr) {
      ++difference.expired;
      continue;
    }
    ++difference.compared;
    if (const auto how = wrong_with(*key, other); !how.empty()) ++ways[how];
  }
  for (const auto& [place, key] : there) {
    if (!meant.contains(place)) ++ways["not of the backup"];
  }
  for (const auto& [how, count] : ways) {
    difference.wrong += count;
    difference.shown +=
        (difference.shown.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(how);
  }
  return difference;
}

}  // namespace gameday
