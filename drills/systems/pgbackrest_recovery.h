// Point-in-time recovery of a backup of pgBackRest's into a scratch cluster. pgBackRest restores
// files and fetches WAL; whether what they make is the database is asked of a server that runs on
// them.
#pragma once

#include <optional>

#include "drills/systems/pgbackrest.h"
#include "drills/systems/postgres_replay.h"

namespace gameday {

struct PgBackRestTerms {
  PgBackRest repository = {};
  ScratchCluster scratch = {};
  RecoveryPoint point = {};
  std::string label = {};  // of the backup that the step looked at
  std::optional<LiveMoment> live = {};
  Utc taken = {}, looked = {};
};
// Where the repository's WAL has not been looked at.
[[nodiscard]] ReplayTerms replay_terms(const PgBackRestTerms& terms);

struct PgBackRestRecovered {
  Recovered recovered;
  BackupSet set;  // that it came from
};
// Leaves the scratch cluster behind, without a server.
[[nodiscard]] Result<PgBackRestRecovered> recover(const PgBackRestTerms& terms,
                                                  const DeedContext& context);

}  // namespace gameday
