// The files of a backup of Redis: one RDB file, one append-only file, or a folder of them with the
// manifest that names them, as Redis 7 writes it.
#pragma once

#include <string>
#include <string_view>

#include "drills/systems/redis.h"

namespace gameday {

// What of a backup is on a disk.
struct RedisFiles {
  enum class Kind {
    rdb,       // a file
    appended,  // an append-only file
    folder     // a manifest and the files that it names
  } kind = Kind::rdb;
  std::string path;
};
[[nodiscard]] std::string_view name_of(RedisFiles::Kind kind);
// By what stands there: a folder, a file named *.aof, any other file. not_found: nothing does.
[[nodiscard]] Result<RedisFiles> redis_files_at(const std::string& path);
// refused, corrupt: a file of it that we may not read, or that is not there.
[[nodiscard]] Status may_read_redis_files(const RedisFiles& files, const DeedContext& context);
// Copies it, with no more of a folder than its manifest names. no_space, corrupt.
[[nodiscard]] Result<RedisFiles> copy_redis_files(const RedisFiles& files, const std::string& to,
                                                  const DeedContext& context);
// Of the file; of a folder, of its files' names and digests.
[[nodiscard]] Result<std::string> sha256_of(const RedisFiles& files);

// All that a server holds at one moment, into an RDB file, complete or an error. Whether the server
// wrote no file of its own for it.
[[nodiscard]] Result<bool> receive_rdb_file(const RedisPlace& place, const std::string& path,
                                            const DeedContext& context);

}  // namespace gameday
