// A base backup of a PostgreSQL cluster as pg_basebackup writes it: a folder with its files, or
// with archives of them, and a manifest. What it says of itself, and how it is unpacked.
#pragma once

#include <cstdint>
#include <string>

#include "drills/systems/wal_archive.h"

namespace gameday {

struct BaseBackup {
  std::string folder = {};
  std::string archive = {};   // base.tar, base.tar.gz ...; empty: the files themselves
  std::string cluster = {};   // the system identifier
  std::string version = {};   // "15"
  std::string manifest = {};  // sha256 of it, and with it of every file; empty: there is none
  std::string segment = {};   // of the WAL, in which it begins
  std::uint32_t timeline = 1;
  Lsn begin = 0;
  Utc taken = {};  // of its beginning
};
[[nodiscard]] Json to_json(const BaseBackup& base);
[[nodiscard]] BaseBackup base_backup_from(const Json& value);

// not_found: there is nothing. corrupt: it is no base backup, or one that could not be restored
// without touching what is not a copy.
[[nodiscard]] Result<BaseBackup> look_at_base(const std::string& folder,
                                              const DeedContext& context);

// The system identifier of what is in a data directory. not_found: nothing is.
[[nodiscard]] Result<std::string> cluster_in(const std::string& folder, const Files& files);

// What a copy of it takes at least, with the WAL that it is recovered by.
[[nodiscard]] std::int64_t room_for_copy(const std::string& folder);

// Copies or unpacks it into `folder`, which is empty, and ours alone.
[[nodiscard]] Status unpack_base(const BaseBackup& base, const std::string& folder,
                                 const DeedContext& context);

// The end of what a child said, on one line.
[[nodiscard]] std::string last_words(std::string_view output);

}  // namespace gameday
