// What a point-in-time recovery is made from: a base backup and archived WAL, as a playbook's
// `postgres-archive` facet names them; and the moment of the live cluster that it is held against.
#pragma once

#include <optional>
#include <string>

#include "drills/systems/base_backup.h"
#include "drills/systems/postgres.h"

namespace gameday {

struct PostgresArchive {
  std::string target = {};
  std::string base = {};  // the folder of the base backup; empty: the backup's step takes one
  std::string wal = {};   // that of the archived WAL; empty: `restore_command` alone knows
  bool within = false;    // that is in a container's volume: what is needed of it is copied
  std::string restore_command = {};  // as PostgreSQL takes it
  bool own_command = true;           // ours: a copy from `wal`
  std::string of = {};               // the target whose backup it is meant to be; may be empty
  std::string cluster = {};          // the system identifier that it is meant to have; may be empty
  std::string database = {}, user = {};  // which is looked into afterwards, as whom
  std::string server_user = {}, programs = {}, scratch = {};
  std::uint32_t timeline = 0;  // 0: the newest
  std::optional<Duration> max_age = {}, max_loss = {};
  Duration archived_within{};
  bool amcheck = true;
};
// The target with its `wal` on this machine, where its facet gives it as the container of `of` sees
// it.
[[nodiscard]] Result<Target> located_archive(const Target& target, const DeedContext& context);
// invalid: it names no way to the WAL.
[[nodiscard]] Result<PostgresArchive> postgres_archive(const Target& target);

// Where recovery is to end.
struct RecoveryPoint {
  enum class Kind { latest, backup, time, lsn, name } kind = Kind::latest;
  Utc time = {};
  Lsn lsn = 0;
  std::string name = {};  // of a restore point (pg_create_restore_point)
};
[[nodiscard]] Result<RecoveryPoint> parse_point(std::string_view text);

// The live cluster as a backup's step found it: what the archive is to lead to at least.
struct LiveMoment {
  std::string cluster = {}, database = {};
  std::uint32_t timeline = 0;
  Lsn lsn = 0;
  // Of its content, and the next transaction's number then; empty: somebody was just writing, and
  // it belongs to no one place in the WAL.
  std::string digest = {}, next_transaction = {};
  std::string segment = {};  // of the WAL, which holds that place
  bool archived = false;     // it has reached the archive in time
};
[[nodiscard]] Json to_json(const LiveMoment& live);
[[nodiscard]] LiveMoment live_moment_from(const Json& value);

// The live cluster that it is the backup of; null: it says of none.
[[nodiscard]] const Target* live_of(const PostgresArchive& archive, const DeedContext& context);
// As a shell takes a word, and as PostgreSQL takes a command: there % stands for something.
[[nodiscard]] std::string command_word(const std::string& text);
// The command by which a server fetches a segment from there.
[[nodiscard]] std::string copy_command(const std::string& folder);
// Takes a base backup of the live cluster into a folder.
[[nodiscard]] Status take_base_backup(const PostgresArchive& archive, const Target& live,
                                      const std::string& folder, const DeedContext& context);
// Ends the live cluster's WAL segment; none: it does not answer, or does not write.
[[nodiscard]] Result<std::optional<LiveMoment>> end_live_segment(const Target& live,
                                                                 const DeedContext& context);
// The same, and waits for it in the archive.
[[nodiscard]] Status archive_until_now(const PostgresArchive& archive, const Target& live,
                                       const DeedContext& context);

// Looks at it, ends its WAL segment, and waits for that to be archived. refused: a right is
// lacking.
[[nodiscard]] Result<LiveMoment> look_at_live(const PostgresArchive& archive, const Target& live,
                                              const DeedContext& context);

}  // namespace gameday
