// A stanza of pgBackRest, as a playbook's `pgbackrest` facet names it, and what is asked of it.
// What is secret (the key of an encrypted repository) stands in its configuration, which it reads
// itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drills/systems/postgres_archive.h"
#include "drills/systems/truth.h"

namespace gameday {

extern const TruthTable pgbackrest_2_45;

struct PgBackRest {
  std::string target = {}, stanza = {}, config = {}, program = {};
  std::string take = {};  // the type of the backup that a step takes; empty: it takes none
  std::string of = {};    // the live database; may be empty
  std::string database = {}, user = {};  // which is looked into afterwards, as whom
  std::string server_user = {}, programs = {}, scratch = {};
  bool verify = true;
  std::optional<Duration> max_age = {};
  Duration archived_within{};
};
[[nodiscard]] PgBackRest pgbackrest_of(const Target& target);

// As the user of the server, to its end; unsupported: a version whose words nobody knows.
struct PgBackRestSaid {
  Ended ended;
  Reading reading;
};
[[nodiscard]] Result<PgBackRestSaid> run_pgbackrest(const PgBackRest& repository,
                                                    std::vector<std::string> argv,
                                                    const DeedContext& context);
// The words by which a server fetches its WAL for a copy in `data`.
[[nodiscard]] std::string archive_get(const PgBackRest& repository, const std::string& data);

struct BackupSet {
  std::string label = {}, type = {}, archive = {};  // "15-1"
  std::string first_segment = {};
  Utc begun = {}, ended = {};
  Lsn stop = 0;
};
[[nodiscard]] Json to_json(const BackupSet& set);

struct PgBackRestInfo {
  std::string cluster = {}, version = {};
  std::vector<BackupSet> sets = {};  // oldest first; those with errors are left out
  std::string newest_segment = {};   // in the archive
};
// An error where its own status says that there is no backup to restore.
[[nodiscard]] Result<PgBackRestInfo> look_at_stanza(const PgBackRest& repository,
                                                    const DeedContext& context);
[[nodiscard]] Result<PgBackRestInfo> stanza_in(std::string_view answer);

// The newest set that ended before the point; where there is none, pgBackRest itself may take the
// latest instead, and end elsewhere. corrupt: there is none.
[[nodiscard]] Result<BackupSet> set_for(const PgBackRestInfo& info, const RecoveryPoint& point);

// The first segment of the archive after `from` that is not there although later ones are; empty:
// none. pgBackRest's own verify does not look for it.
[[nodiscard]] std::string missing_segment(const std::vector<std::string>& there,
                                          const std::string& from, const std::string& to,
                                          std::uint64_t segment_size);
[[nodiscard]] Result<std::vector<std::string>> archived_segments(const PgBackRest& repository,
                                                                 const BackupSet& set,
                                                                 const std::string& to,
                                                                 const DeedContext& context);

}  // namespace gameday
