// Undoes what a dead drill left, by the rows and over the real doors: the one piece of code that
// the guardian and `gameday revert` share. The order of undoing stands in conductor/replay.h.
#pragma once

#include <functional>
#include <string>

#include "engine/conductor/replay.h"
#include "engine/journal/journal.h"
#include "engine/secrets.h"
#include "engine/sys/doors.h"

namespace gameday {

struct ReplayTerms {
  const Doors& doors;
  const Rows& rows;
  const Secrets& secrets;
  std::string drill;
  std::string private_folder;
  std::string by;  // "guardian", "revert" or "runner", as the journal names it
};

[[nodiscard]] Replayed replay(const Owed& owed, Journal& journal, const ReplayTerms& terms,
                              const Stop& stop);

// Private files of a deed that was prepared and never recorded: nobody will need them. Their paths.
[[nodiscard]] std::vector<std::string> unrecorded_files(const Owed& owed, const std::string& drill,
                                                        const std::string& private_folder);
// Whether what the drill itself backed up may go once it owes nothing more.
[[nodiscard]] bool may_forget_backups(const Owed& owed);
void erase_unrecorded(const Owed& owed, const ReplayTerms& terms);

// The row's functions for an undo of that kind; null members where no row knows it.
struct UndoFunctions {
  Status (*undo)(const Undo&, const DeedContext&) = nullptr;
  Result<Proof> (*gone)(const Undo&, const DeedContext&) = nullptr;
  Status (*close)(const Undo&, bool keep, const DeedContext&) = nullptr;
  Status (*renew)(const Undo&, const DeedContext&) = nullptr;
};
[[nodiscard]] UndoFunctions undo_functions(const Rows& rows, std::string_view kind);

// $DIR of the store: private/DRILL, 0700.
[[nodiscard]] std::string private_folder_of(const std::string& store, const std::string& drill);

}  // namespace gameday
