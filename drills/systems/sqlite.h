// How a SQLite database is copied and how its content is exchanged while others have it open. Never
// touches a live database but through SQLite, and never by renaming its file: whoever holds the old
// one open would go on with it.
#pragma once

#include <string>

#include "drills/systems/sqlite_content.h"
#include "engine/rows.h"

namespace gameday {

// The file behind a target's `sqlite` facet, as its canonical path. not_found: there is none.
[[nodiscard]] Result<std::string> sqlite_path(const Target& target);
// Whether we may write the database, and its journal beside it. refused: which of them not.
[[nodiscard]] Status may_write_sqlite(const Target& target);
[[nodiscard]] std::string sqlite_identity(const std::string& path);

// A connection for this deed: waits for others' locks as long as the deed may take.
[[nodiscard]] Result<Database> open_sqlite(const std::string& path, DatabaseMode mode,
                                           const DeedContext& context);

// The same for one that may be damaged, as far as SQLite gives access to it.
[[nodiscard]] Result<Database> open_damaged_sqlite(const std::string& path,
                                                   const DeedContext& context);

// What somebody's statement gives, over a connection that only reads. invalid: it does more than
// to read, or does not give one row of one column.
[[nodiscard]] Result<Datum> sqlite_value(const std::string& path, const std::string& question,
                                         const DeedContext& context);

// Its content and integrity, read at one moment.
struct SqliteState {
  SqliteContent content;
  std::int64_t schema_version = 0;
};
[[nodiscard]] Result<SqliteState> read_state(const std::string& path, const DeedContext& context);

// Makes `to` a copy by the online backup API: one file, 0600, on disk, there wholly or not at all.
[[nodiscard]] Result<SqliteContent> copy_sqlite(const std::string& from, const std::string& to,
                                                const DeedContext& context);
// The same page for page, of one that may be damaged: what is in it is not looked at.
[[nodiscard]] Status copy_sqlite_image(const std::string& from, const std::string& to,
                                       const DeedContext& context);
// What is written beside a copy until it is complete, and the copy itself.
[[nodiscard]] Status erase_copy(const std::string& path, const DeedContext& context);

// sha256 of a file that no connection of this process has open.
[[nodiscard]] Result<std::string> file_sha256(const std::string& path);

// no_space: the folder's disk has no room for a copy of the database, or the database's own disk
// none to write it anew.
[[nodiscard]] Status check_space(const std::string& database, const std::string& folder);

}  // namespace gameday
