// Drops single rows of a live SQLite database and puts them back, while others go on writing: what
// an application's mistake or a half-applied restore leaves.
//
// The rows are chosen, saved and deleted in one transaction, and put back row by row: to what came
// since, each into its own place. The newest row stays, because SQLite may give its number to the
// next one, and then the place would be taken.
#pragma once

#include <string>

#include "drills/systems/sqlite_exchange.h"

namespace gameday {

struct RowChoice {
  std::string table;      // empty: the one with the most rows
  std::int64_t rows = 0;  // how many; where 0, `share` of them
  double share = 0;
};

// Before anything is done: which table it is. unsupported: its rows could not be put back.
[[nodiscard]] Result<std::string> prepare_rows(const Exchange& exchange, const RowChoice& choice,
                                               const DeedContext& context);
// With the table's name from `prepare_rows`.
[[nodiscard]] Status drop_rows(const Exchange& exchange, const RowChoice& choice,
                               const DeedContext& context);
// Are they missing, for a connection of its own?
[[nodiscard]] Result<Proof> rows_missing(const Exchange& exchange, const DeedContext& context);
// Puts them back. conflict: in the place of one stands another row. Idempotent.
[[nodiscard]] Status undo_rows(const Exchange& exchange, const DeedContext& context);
[[nodiscard]] Result<Proof> rows_back(const Exchange& exchange, const DeedContext& context);

}  // namespace gameday
