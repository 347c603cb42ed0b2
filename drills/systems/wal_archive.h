// A folder of archived WAL, looked at before anything is recovered from it. PostgreSQL takes a
// segment that it cannot read for the end of the archive and goes on as if all were well; so what
// is missing, or is another cluster's, is looked for here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// A place in a cluster's WAL.
using Lsn = std::uint64_t;
[[nodiscard]] Result<Lsn> parse_lsn(std::string_view text);  // "0/3000E88"
[[nodiscard]] std::string lsn_text(Lsn lsn);

// What a recovery is to read.
struct WalWanted {
  std::string archive = {};    // the folder
  std::string called = {};     // where that is a copy: of which folder
  std::string beside = {};     // another one that may have the first segments: the backup's own
  std::string cluster = {};    // the system identifier
  std::uint32_t timeline = 1;  // of the backup
  Lsn begin = 0;               // where the backup begins
  std::uint32_t until_timeline = 0;  // 0: the newest that the archive can lead to
};

struct WalThere {
  std::uint32_t timeline = 1;  // that recovery goes along in the end
  std::int64_t segments = 0;   // from the first one wanted
  Lsn last_begins = 0;         // of the newest
  std::string last = {};       // its name
  // The first that is not there although later ones are; empty: none.
  std::string missing = {};
  Lsn missing_begins = 0;
};

// Copies what a recovery from that segment on may read into a new folder.
[[nodiscard]] Status copy_wal(const std::string& archive, const std::string& from_segment,
                              const std::string& folder, const DeedContext& context);

// corrupt: the archive misleads, and how.
[[nodiscard]] Result<WalThere> look_at_wal(const WalWanted& wanted, const DeedContext& context);

// By their names alone, where what is in them cannot be read: from the first one wanted on, on its
// timeline or a later one. Which of these leads to which, only a recovery tells.
[[nodiscard]] WalThere wal_by_names(const std::vector<std::string>& names, const std::string& first,
                                    std::uint64_t segment_size);

}  // namespace gameday
