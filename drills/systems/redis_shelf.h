// Keys that a deed takes out of a database of Redis and keeps in another one of the same server,
// which was empty: its shelf. Nothing is copied. The server exchanges the two databases, or moves
// key by key, each with its value, its kind and its time to live, so that at every moment a key
// stands in one of them and whatever was written until then goes with it.
//
// On the shelf lies a key with the deed's mark for as long as anything of ours is there. Every step
// of taking out is one transaction on condition that it is. A private file notes what was done, so
// that a mark which somebody has wiped out is told from one that never was.
#pragma once

#include <string>

#include "drills/systems/redis.h"

namespace gameday {

inline constexpr std::string_view kEveryKey = "*";
// The name of that key.
inline constexpr const char* kMarkKey = "gameday:kept";

struct RedisShelf {
  RedisDeed deed;
  std::string mark;
  std::string pattern;        // which keys, as SCAN has it
  std::int64_t database = 0;  // the shelf's number
  bool newer_stays = false;   // where a key was made anew: it stays, and the old one goes
  std::string notes;          // the private file
};
[[nodiscard]] Json to_json(const RedisShelf& shelf);
[[nodiscard]] Result<RedisShelf> redis_shelf_from(const Undo& undo);

// Keys are put back one by one: no more than can be in a few seconds.
inline constexpr std::int64_t kMostKeysKept = 1'000'000;

// The number of a database without keys, other than the place's; the session is in it from now on.
// unsupported: there is none.
[[nodiscard]] Result<std::int64_t> choose_empty_database(const RedisPlace& place, Redis& session);

// `refused`, `unsupported`: they cannot be taken out so that they could be put back. Writes the
// notes, and changes nothing of the server's.
[[nodiscard]] Result<RedisShelf> prepare_shelf(const Deed& deed, const std::string& pattern,
                                               const DeedContext& context);
[[nodiscard]] Status take_to_shelf(const RedisShelf& shelf, const DeedContext& context);

struct ShelfLooks {
  bool marked = false;     // the deed's mark lies there
  std::int64_t kept = 0;   // keys on the shelf
  std::int64_t asked = 0;  // of these, after how many we have looked in the database they are from
  std::int64_t back = 0;   // and of those, that are there all the same
  std::int64_t noted = 0;  // how many were taken out, by our notes
  bool restored = false;   // by our notes, put back
};
[[nodiscard]] Result<ShelfLooks> look_at_shelf(const RedisShelf& shelf, const DeedContext& context);

// conflict: keys have been made anew since, or what was kept is gone; what is on the shelf stays.
[[nodiscard]] Status put_back(const RedisShelf& shelf, const DeedContext& context);
// What is kept goes for good, where a restore has superseded it. Idempotent.
[[nodiscard]] Status clear_shelf(const RedisShelf& shelf, const DeedContext& context);

// Removes every key of the session's database but the mark.
[[nodiscard]] Status remove_all_keys(Redis& session);

}  // namespace gameday
