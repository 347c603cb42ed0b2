// Point-in-time recovery of a base backup and archived WAL into a scratch cluster: what can be told
// of both before a server runs on them, and then the replay.
#pragma once

#include <optional>

#include "drills/systems/postgres_replay.h"

namespace gameday {

struct RecoveryTerms {
  ScratchCluster scratch = {};
  PostgresArchive archive = {};
  RecoveryPoint point = {};
  BaseBackup base = {};  // as the backup's step saw it
  std::optional<LiveMoment> live = {};
  Utc looked = {};  // when that was
};
// Where the WAL has not been looked at.
[[nodiscard]] ReplayTerms replay_terms(const RecoveryTerms& terms);

// Leaves the scratch cluster behind, without a server.
[[nodiscard]] Result<Recovered> recover(const RecoveryTerms& terms, const DeedContext& context);

}  // namespace gameday
