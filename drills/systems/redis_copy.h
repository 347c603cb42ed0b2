// The keys of a Redis server copied out of it into a private file, each as DUMP has it and with its
// time to live: for what takes keys away by the server's own choice, so that nothing that it keeps
// is safe from it.
#pragma once

#include <string>

#include "drills/systems/redis.h"

namespace gameday {

struct RedisCopy {
  RedisDeed deed;
  std::string file;   // of the keys, of all databases
  std::string notes;  // which of them were taken away, and whether they are back
};
[[nodiscard]] Json to_json(const RedisCopy& copy);
[[nodiscard]] Result<RedisCopy> redis_copy_from(const Undo& undo);

// They are copied in a moment, and put back in a few seconds.
inline constexpr std::int64_t kMostKeysCopied = 100'000;
inline constexpr std::int64_t kMostBytesCopied = std::int64_t{64} << 20;

// Copies all that is there. refused: it is too much.
[[nodiscard]] Status copy_keys(const RedisCopy& copy, const DeedContext& context);
// Notes which of the copied keys are not there: from now on those alone were taken away.
[[nodiscard]] Status note_missing(const RedisCopy& copy, const DeedContext& context);

struct CopyLooks {
  bool copied = false;
  bool restored = false;
  std::int64_t taken = 0;    // keys that were taken away
  std::int64_t missing = 0;  // those of them that are not there, and would not have expired
};
[[nodiscard]] Result<CopyLooks> look_at_copy(const RedisCopy& copy, const DeedContext& context);
// Puts back what was taken away, once. A key that has been made anew stays as it is.
[[nodiscard]] Status put_copy_back(const RedisCopy& copy, const DeedContext& context);
[[nodiscard]] Status erase_copy(const RedisCopy& copy, const DeedContext& context);

}  // namespace gameday
