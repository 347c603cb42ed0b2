// Keeps the lines of one drill in the store's file: each append is one transaction that first looks
// whether the drill's epoch is still its own.
#pragma once

#include <memory>
#include <string>

#include "engine/journal/chained_journal.h"
#include "engine/journal/reserve.h"
#include "engine/sys/files.h"
#include "engine/sys/sqlite.h"

namespace gameday {

struct SqliteJournalTerms {
  std::string drill;
  std::string previous_head;  // for a drill without events
  std::int64_t epoch = 0;
};
// Goes on with the events that are there.
[[nodiscard]] Result<std::unique_ptr<Journal>> make_sqlite_journal(Database database,
                                                                   const SqliteJournalTerms& terms,
                                                                   Reserve reserve,
                                                                   WriteObserver observer);

// The last event of a drill; null where it has none.
[[nodiscard]] Result<std::unique_ptr<Event>> last_event(Database& database,
                                                        const std::string& drill);

}  // namespace gameday
