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
  std::string take = {};     // the type of the backup that a step takes; empty: it takes none
  std::string of = {};       // the live database; may be empty
  std::string cluster = {};  // the system identifier that it is meant to have; may be empty
  std::string database = {}, user = {};  // which is looked into afterwards, as whom
  std::string server_user = {}, programs = {}, scratch = {};
  bool verify = true, amcheck = true;
  std::optional<Duration> max_age = {}, max_loss = {};
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
                                                    const DeedContext& context,
                                                    const std::string& folder = "/");
// The same; what it printed, or why that is no success.
[[nodiscard]] Result<std::string> ask_pgbackrest(const PgBackRest& repository,
                                                 std::vector<std::string> argv,
                                                 const DeedContext& context,
                                                 const std::string& folder = "/");
// The words by which a server fetches its WAL for a copy in `data`.
[[nodiscard]] std::string archive_get(const PgBackRest& repository, const std::string& data);

struct BackupSet {
  std::string label = {}, type = {};
  std::string cluster = {}, version = {};  // of PostgreSQL: "15"
  std::string archive = {};                // "15-1"
  std::vector<std::string> rests_on = {};  // the labels of the backups that it takes files from
  std::string first_segment = {};
  Utc begun = {}, ended = {};
  Lsn stop = 0;
  std::int64_t size = 0;  // of the cluster, in bytes
  bool errors = false;    // pages did not verify when it was taken; it was taken all the same
};
[[nodiscard]] Json to_json(const BackupSet& set);

struct PgBackRestInfo {
  std::string cluster = {};
  std::vector<BackupSet> sets = {};  // oldest first
  std::string newest_segment = {};   // in the archive
};
// Of a stanza without a backup too; an error where its own status says that it is none.
[[nodiscard]] Result<PgBackRestInfo> look_at_stanza(const PgBackRest& repository,
                                                    const DeedContext& context);
// The same. refused: its configuration or its repository is not to be read by the server's user.
[[nodiscard]] Result<PgBackRestInfo> may_read_stanza(const PgBackRest& repository,
                                                     const DeedContext& context);
[[nodiscard]] Result<PgBackRestInfo> stanza_in(std::string_view answer);

// That one, by its label; without one, the newest. not_found: there is none.
[[nodiscard]] Result<BackupSet> set_called(const PgBackRestInfo& info, const std::string& label);
// The newest set that ended before a time or a place; where there is none, pgBackRest itself may
// take the latest instead, and end elsewhere. corrupt: there is none.
[[nodiscard]] Result<BackupSet> set_before(const PgBackRestInfo& info, const RecoveryPoint& point);

// The names of the segments that are archived, from those of a set on.
[[nodiscard]] Result<std::vector<std::string>> archived_segments(const PgBackRest& repository,
                                                                 const BackupSet& set,
                                                                 const DeedContext& context);

}  // namespace gameday
