// One drill from a checked playbook to its closed journal: leftovers, locks, guardian, runner. Says
// what happened through its outcome; prints nothing.
#pragma once

#include <functional>
#include <string>

#include "engine/conductor/open_undos.h"
#include "engine/journal/store.h"
#include "engine/runtime/runner.h"

namespace gameday {

struct DrillOptions {
  std::shared_ptr<const Playbook> playbook;
  std::string store;  // path, absolute
  std::uint64_t seed = 0;
  std::string version;
  std::string operator_name;
  std::string executable;  // of this program: what the guardian and the proxies run
  Json git = Json();       // {"commit","dirty"} of the playbook's checkout, null outside of one
  Json rubric = Json();  // {"sha256","text"} that the drill is to be scored by; null: the built-in
  std::function<int()> stop_requests;
  Watcher watcher;
  Ticker ticker;
  Typed typed;
  WriteObserver observer;  // the crash campaign's
};

struct DrillOutcome {
  int exit_code = 70;
  std::string drill;    // empty where none was entered in the store
  std::string message;  // why, where the journal does not say it
  std::string private_folder;
};

[[nodiscard]] DrillOutcome run_drill(const DrillOptions& options, const Rows& rows);

// Drills of this store that still owe an undo and whose runner is dead: "01J...: kill on west".
struct Leftover {
  DrillRecord drill;
  bool runner_alive = false;
  std::vector<OpenUndo> open;
};
[[nodiscard]] Result<std::vector<Leftover>> leftovers(Store& store, const Processes& processes);
// The same, and those that owe no undo but have not erased their private files, beside the store's
// file.
[[nodiscard]] Result<std::vector<Leftover>> unfinished(Store& store, const std::string& store_file,
                                                       const Processes& processes);

}  // namespace gameday
