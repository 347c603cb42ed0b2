// The part of a recovery that is the same whoever brought the files: a scratch cluster that holds a
// backup replays its WAL to a point, and what it has become is asked of its server. That a server
// has started is no proof: each way in which a backup misleads ends here as `corrupt`, with what
// was seen.
#pragma once

#include <optional>
#include <string>

#include "drills/systems/postgres_amcheck.h"
#include "drills/systems/postgres_archive.h"
#include "drills/systems/postgres_content.h"
#include "drills/systems/scratch_cluster.h"
#include "drills/systems/wal_archive.h"

namespace gameday {

struct ReplayTerms {
  ScratchCluster scratch = {};
  RecoveryPoint point = {};
  std::string restore_command = {};
  std::uint32_t timeline = 0;            // 0: the newest
  std::string database = {}, user = {};  // which is looked into, as whom
  std::optional<LiveMoment> live = {};   // what it is held against
  std::string of = {};                   // the target whose invariants must hold; may be empty
  std::optional<WalThere> wal = {};      // in the archive; nobody could look
  std::string archive = {};              // how that is called
  std::optional<Duration> max_loss = {};
  bool amcheck = true;          // its indexes and tables are looked at by it
  Utc taken = {}, looked = {};  // when the backup was, and when its step
  Utc begun = {};               // when the one was, by the second, that is in the scratch cluster
};

struct Recovered {
  Lsn lsn = 0;                   // the last place that was replayed
  std::optional<Utc> time = {};  // of the last transaction; none was
  std::uint32_t timeline = 0;
  std::string stopped = {};                // where recovery ended, in the server's words
  std::optional<std::int64_t> pages = {};  // whose checksums hold; the cluster has none
  RelationsChecked relations = {};
  PostgresContent content = {};
  std::vector<InvariantSeen> invariants = {};
  bool compared = false;  // with the content of the live one: nobody had written since
  Duration copy{}, check{}, replay{}, verify{};
};
[[nodiscard]] Json to_json(const Recovered& recovered, const ReplayTerms& terms);

// Where recovery must at least come to; 0: wherever that is.
[[nodiscard]] Lsn least_place(const ReplayTerms& terms);
// corrupt: a segment on the way to the point is not in the archive.
[[nodiscard]] Status look_for_missing(const ReplayTerms& terms);

// Leaves the scratch cluster behind, without a server.
[[nodiscard]] Result<Recovered> replay(const ReplayTerms& terms, const DeedContext& context);

}  // namespace gameday
