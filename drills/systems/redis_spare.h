// A backup put in the place of a database of Redis. It is loaded into another database of the same
// server, which was empty: the spare. When what stands there has been read back and is the
// backup's, the server exchanges the two, in one moment, so that no client ever sees half of a
// restore, and whatever was written until then is in the spare afterwards. Back it goes the same
// way.
//
// In the spare lies a key with the deed's mark for as long as anything of ours is there. Its value
// says what the spare holds; it is changed in the transaction that exchanges the two, so that after
// any death it tells on which side of that we are:
//   MARK fresh   what was loaded; the database is as it was
//   MARK kept    what was there before; the database has the backup's
#pragma once

#include <string>

#include "drills/systems/redis_scratch.h"
#include "drills/systems/redis_shelf.h"

namespace gameday {

struct RedisSpare {
  RedisDeed deed;
  std::string mark;
  std::int64_t database = 0;  // the spare's number
  std::string programs;       // the folder that the playbook names
  std::string version;        // of the server
  std::string notes;          // a private file: what was begun, and which list of keys it is by
};
[[nodiscard]] Json to_json(const RedisSpare& spare);
[[nodiscard]] Result<RedisSpare> redis_spare_from(const Undo& undo);

// refused, unsupported: what has its data elsewhere, or has one database only.
[[nodiscard]] Status may_be_replaced(const RedisServer& server, const std::string& name);
// Writes the notes, and changes nothing of the server's.
[[nodiscard]] Result<RedisSpare> prepare_spare(const RedisPlace& place, const std::string& programs,
                                               const DeedContext& context);

// What a restore by it is of: the backup's list of keys, and its database there.
struct RedisWanted {
  const RedisContent& content;
  std::int64_t database = 0;
  std::string list;    // the file
  std::string digest;  // of that file
};
// Takes the spare, and fills it from a server that has loaded the backup.
[[nodiscard]] Status fill_spare(const RedisSpare& spare, const RedisWanted& wanted, Redis& loaded,
                                const DeedContext& context);

// What the spare and the database held at one moment, against the backup.
struct SpareLooks {
  RedisDifference spare;
  RedisDifference place;
};
[[nodiscard]] Result<SpareLooks> look_at_spare(const RedisSpare& spare, const RedisWanted& wanted,
                                               const DeedContext& context);
// How many keys are kept.
[[nodiscard]] Result<std::int64_t> exchange_spare(const RedisSpare& spare,
                                                  const DeedContext& context);

// conflict: the database has been written to since, and both stay. Idempotent.
[[nodiscard]] Status undo_spare(const RedisSpare& spare, const DeedContext& context);
[[nodiscard]] Result<Proof> spare_gone(const RedisSpare& spare, const DeedContext& context);
// What is kept goes for good, unless it is to stay, and the notes with it.
[[nodiscard]] Status close_spare(const RedisSpare& spare, bool keep, const DeedContext& context);

}  // namespace gameday
