// Point-in-time recovery of a base backup into a scratch cluster, and what is to be said of it.
// That a server has started is no proof: each way in which a backup misleads ends here as
// `corrupt`, with what was seen.
#pragma once

#include <optional>
#include <string>

#include "drills/systems/postgres_archive.h"
#include "drills/systems/postgres_content.h"
#include "drills/systems/scratch_cluster.h"

namespace gameday {

struct RecoveryTerms {
  ScratchCluster scratch = {};
  PostgresArchive archive = {};
  RecoveryPoint point = {};
  BaseBackup base = {};  // as the backup's step saw it
  std::optional<LiveMoment> live = {};
  Utc looked = {};  // when that was
};

struct Recovered {
  Lsn lsn = 0;                   // the last place that was replayed
  std::optional<Utc> time = {};  // of the last transaction; none was
  std::uint32_t timeline = 0;
  std::optional<std::int64_t> pages = {};  // whose checksums hold; the cluster has none
  PostgresContent content = {};
  bool compared = false;  // with the content of the live one: nobody had written since
  Duration copy{}, check{}, replay{}, verify{};
};
[[nodiscard]] Json to_json(const Recovered& recovered, const RecoveryTerms& terms);

// Leaves the scratch cluster behind, without a server.
[[nodiscard]] Result<Recovered> recover(const RecoveryTerms& terms, const DeedContext& context);

}  // namespace gameday
