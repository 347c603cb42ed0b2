// Exchanges the whole content of a live SQLite database in one transaction, keeping what was there
// beside it, and puts that back the same way. What lose-data and a restore into place have in
// common.
//
// The online backup API would be shorter, but it commits by itself: it gives no chance to read the
// digest of what it wrote, and to say no, before everybody else sees it.
//
// Whether an exchange took place must be known after any death, also while writers went on. Each
// committed exchange therefore leaves a number of its own as the database's schema version, which
// SQLite only compares and which rows being written do not change:
//   the version from before   it never took place: nothing to put back
//   the exchange's number     it took place
//   the number of its undo    what was kept has been put back
// The kept copy is complete before the exchange commits, so where it is missing nothing happened.
#pragma once

#include <string>

#include "drills/systems/sqlite.h"

namespace gameday {

// The arguments of an undo: plain data.
struct Exchange {
  std::string database;
  std::string kept;  // the path of the copy of what was there
  std::string mark;  // the deed's
};
[[nodiscard]] Json to_json(const Exchange& exchange);
[[nodiscard]] Result<Exchange> exchange_from(const Json& value);

// The schema version that an event of this deed leaves ("done", "undone").
[[nodiscard]] std::int64_t schema_mark(const Exchange& exchange, const char* event);

// Before anything is done: can it be read, kept and written again from the copy?
[[nodiscard]] Result<SqliteState> prepare_exchange(const Exchange& exchange,
                                                   const DeedContext& context);

struct Exchanged {
  SqliteContent before;
  SqliteContent after;
};
// Puts the content of the file `filling` in the place of what is there; an empty path leaves no
// tables. corrupt: what came out is not `filling`'s content with that digest; nothing was changed.
[[nodiscard]] Result<Exchanged> exchange_content(const Exchange& exchange,
                                                 const std::string& filling,
                                                 const std::string& digest,
                                                 const DeedContext& context);

// Puts back what was kept. conflict: somebody has written since, and both copies stay. Idempotent.
[[nodiscard]] Status undo_exchange(const Exchange& exchange, const DeedContext& context);
[[nodiscard]] Result<Proof> exchange_gone(const Exchange& exchange, const DeedContext& context);
[[nodiscard]] Status erase_kept(const Exchange& exchange, const DeedContext& context);

}  // namespace gameday
