// Locks, held on what is touched and not on who touches it, so that drills from other stores and
// playbooks are kept out too. In /run/lock/gameday, else in $XDG_RUNTIME_DIR/gameday.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/playbook/playbook.h"
#include "engine/rows.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

struct Holder {
  std::string drill, store;
};

// Locks on targets. What the lock files still said of whoever held them before is kept: a drill
// that died without undoing leaves its name there.
struct TargetLocks {
  std::vector<Descriptor> held;
  std::vector<Holder> previous;
  void add(TargetLocks&& more);
  void forget() const;  // nothing is owed any more: the files are emptied
};

class LockFolder {
 public:
  [[nodiscard]] static Result<LockFolder> find(const Files& files);

  // All, or `conflict` naming the one that is held and by which drill.
  [[nodiscard]] Result<TargetLocks> hold_targets(const std::vector<std::string>& identities,
                                                 const std::string& drill,
                                                 const std::string& store) const;

  // One replayer a drill: the runner holds it while it lives, then the guardian or `revert`. Waits.
  [[nodiscard]] Result<Descriptor> hold_drill(const std::string& drill, const Clock& clock,
                                              const Until& until) const;

 private:
  LockFolder(const Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  Files files_;
  std::string folder_;
};

// What a target's lock file tells to who takes no lock and makes nothing: who held it last and owes
// something, or holds it now. Nothing where no file says so.
struct LockTrace {
  Holder holder;
  bool held = false;
};
[[nodiscard]] std::optional<LockTrace> lock_trace(const Files& files, const std::string& identity);

// What a drill locks: one name for each facet of each target, each link, and what faults without a
// facet hit. The same from every playbook and store.
[[nodiscard]] std::vector<std::string> lock_names(const Playbook& playbook, const Rows& rows);
// And what it locks beside once the targets are found: two pidfiles may lead to one process.
[[nodiscard]] std::vector<std::string> lock_names(const std::vector<Instance>& found);

}  // namespace gameday
