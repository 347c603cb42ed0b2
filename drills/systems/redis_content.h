// What a Redis server holds, key by key, so that two of them can be compared: each key with its
// kind, when it expires, and a digest of its value that does not depend on how it is kept in
// memory. It is read from scratch servers alone: a server of the user's does not tell digests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"
#include "engine/sys/redis.h"

namespace gameday {

struct RedisKey {
  std::int64_t database = 0;
  std::string name = {};
  std::string kind = {};     // "hash"
  std::string digest = {};   // of its value; of a stream with its groups of consumers
  std::int64_t expires = 0;  // in milliseconds since 1970; 0: never
};

struct RedisContent {
  std::vector<RedisKey> keys = {};  // by database and name

  [[nodiscard]] std::int64_t count(std::int64_t database) const;
};
// A key a line; the digest of a content is that of this text.
[[nodiscard]] std::string to_text(const RedisContent& content);
[[nodiscard]] Result<RedisContent> redis_content_from(std::string_view text);
[[nodiscard]] Result<RedisContent> load_redis_content(const std::string& path,
                                                      const std::string& digest,
                                                      const Files& files);
// {"0": 12}
[[nodiscard]] Json counted(const RedisContent& content);

// Of a server that allows DEBUG.
[[nodiscard]] Result<RedisContent> read_redis_content(Redis& session, const DeedContext& context);

struct RedisDifference {
  std::int64_t compared = 0;
  std::int64_t expired = 0;  // wanted, and not there any more, as it should be
  std::int64_t wrong = 0;
  std::string shown = {};  // "2 missing, 1 of another value"
};
// How a database of `found` differs from one of `wanted`; nothing given: all databases, each from
// its own. `now`: when it was read.
struct RedisDatabases {
  std::int64_t wanted = 0;
  std::int64_t found = 0;
};
[[nodiscard]] RedisDifference compare_redis(const RedisContent& wanted, const RedisContent& found,
                                            const std::optional<RedisDatabases>& databases,
                                            Utc now);

}  // namespace gameday
