// Undoes what a dead drill left: the one piece of code that the guardian and `gameday revert`
// share. Newest first; each is tried several times and looked at; one that fails stops none of the
// others.
#pragma once

#include <functional>
#include <string>

#include "engine/journal/journal.h"
#include "engine/runtime/open_undos.h"
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

struct Replayed {
  std::vector<std::string> undone;   // "kill on west (step west-killed)"
  std::vector<std::string> residue;  // what could not be undone, and why
  bool fenced = false;               // another replayer took over meanwhile; nothing more was done
};

// Writes each undo and look into `journal`. A journal that cannot be written does not stop the
// undoing; one that is fenced does.
[[nodiscard]] Replayed replay(const Owed& owed, Journal& journal, const ReplayTerms& terms,
                              const Stop& stop);

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
