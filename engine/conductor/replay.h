// Undoes what a dead drill left: the one order of undoing that the guardian, `gameday revert` and
// a rehearsal share. Newest first; each is tried several times and looked at; one that fails stops
// none of the others. How an undo is done is not its business.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/conductor/open_undos.h"
#include "engine/journal/journal.h"

namespace gameday {

// Where undos happen: the rows over the real doors, or the simulated system. No method throws what
// a row threw: that comes back as an error.
class UndoPlace {
 public:
  virtual ~UndoPlace() = default;
  [[nodiscard]] virtual Now now() = 0;
  [[nodiscard]] virtual std::string boot() = 0;  // whose clock `now().boot` is of
  virtual void wait_until(Instant time) = 0;     // or until a stop
  // Since when nobody works on any deed of this drill: what may still arrive was sent before, and
  // does so within the settle time, whatever deadline the deed had. None: not known.
  [[nodiscard]] virtual std::optional<Instant> abandoned() { return {}; }
  [[nodiscard]] virtual bool stopped() = 0;
  [[nodiscard]] virtual Status undo(const OpenUndo& owed) = 0;
  [[nodiscard]] virtual Result<Proof> look(const OpenUndo& owed) = 0;
  // Erases private files; `unsupported` where there are none to erase.
  [[nodiscard]] virtual Status erase(const Undo& undo, const std::string& mark) = 0;
};

struct Replayed {
  std::vector<std::string> undone;   // "kill on west (step west-killed)"
  std::vector<std::string> residue;  // what could not be undone, and why
  bool fenced = false;               // another replayer took over meanwhile; nothing more was done
};

// Writes each undo and look into `journal`, in the name of `by`: "guardian", "revert" or "runner".
// A journal that cannot be written does not stop the undoing; one that is fenced does.
[[nodiscard]] Replayed replay_undos(const Owed& owed, Journal& journal, UndoPlace& place,
                                    const std::string& by);

}  // namespace gameday
