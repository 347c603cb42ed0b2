// A journal in memory, for rehearsals: behaves as the one in SQLite does, fence, batches and full
// disk included. Touches no file.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/journal/journal.h"

namespace gameday {

// The simulated disk with one drill's events; it outlives the journals that write to it.
struct MemoryLog {
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  std::string drill;
  std::string previous_head = std::string(kChainStart);
  std::vector<std::string> lines;  // what would be there after a crash: no batched event
  std::int64_t epoch = 0;

  std::uint64_t full_from = kNever;   // no space for the event of this number, nor for later ones
  std::uint64_t reserve_events = 80;  // for how many more the reserve makes room, once it is freed
  bool reserve_freed = false;
};

// The runner's, under the log's epoch as it is now.
[[nodiscard]] std::unique_ptr<Journal> memory_journal(std::shared_ptr<MemoryLog> log,
                                                      const std::string& boot);
// Whoever wrote before is fenced from now on. Goes on with the chain that is there.
[[nodiscard]] std::unique_ptr<Journal> take_over_memory_journal(std::shared_ptr<MemoryLog> log,
                                                                const std::string& boot);

}  // namespace gameday
