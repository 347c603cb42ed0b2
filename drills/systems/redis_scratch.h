// A Redis server of a drill's own that has loaded a backup: a child, in a private folder, with a
// socket in that folder alone. It follows nobody, saves nothing, and loads no file that is cut
// short. And what Redis's own programs say of a backup before.
//
// The folder's name carries the deed's mark, and what works in it is known by where it works, as it
// is of a scratch cluster of PostgreSQL.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "drills/systems/redis_content.h"
#include "drills/systems/redis_files.h"
#include "drills/systems/scratch_cluster.h"

namespace gameday {

// The programs that belong together: a folder, or those in PATH where it is empty.
struct RedisPrograms {
  std::string folder;
  std::string version;  // "7.0.15"
};
// not_found, unsupported: there are none that could load what a server of that version saves.
[[nodiscard]] Result<RedisPrograms> redis_programs(const std::string& folder,
                                                   const std::string& version,
                                                   const DeedContext& context);

// What the checking program says of it: corrupt, or another error, where that is no success.
struct RedisChecked {
  bool checksum = true;           // it carries one
  std::optional<Utc> saved = {};  // when the server that wrote it began to
};
[[nodiscard]] Result<RedisChecked> check_redis_files(const RedisFiles& files,
                                                     const RedisPrograms& programs,
                                                     const DeedContext& context);

// A folder of that mark in the deed's private one.
[[nodiscard]] Result<ScratchCluster> redis_scratch(const std::string& mark,
                                                   const DeedContext& context);

// Loads a backup into a server of its own, tells what it holds, and does `work` beside it. The
// server and its folder are gone afterwards, whatever came of it. corrupt: it cannot be loaded.
using WithLoaded = std::function<Status(Redis& session, const RedisContent& content)>;
[[nodiscard]] Result<RedisContent> load_aside(const RedisFiles& files,
                                              const RedisPrograms& programs,
                                              const ScratchCluster& scratch,
                                              const DeedContext& context,
                                              const WithLoaded& work = {});

}  // namespace gameday
