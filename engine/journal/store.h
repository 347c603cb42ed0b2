// The store: the SQLite file with the journals of all drills. WAL, synchronous=FULL. Beside it lies
// a reserve file that is given up when the disk is full, so that undoing can still be recorded.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/journal/journal.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"
#include "engine/sys/processes.h"

namespace gameday {

struct DrillRecord {
  std::string id;
  std::string name;      // the playbook's
  std::string playbook;  // its path, absolute
  ProcessId runner;
  std::int64_t epoch = 0;
  std::string verdict;  // empty while it has none
  std::string created;  // RFC 3339
  std::uint64_t events = 0;
  bool closed = false;  // has its closing event
};

// Whether a store can be opened without room for its reserve: a drill needs it to start; who undoes
// or only reads must go on with a full disk.
enum class ReserveRule { required, wanted };

// One thread at a time. Several processes may have one store open, each with its own drills: the
// lock is held during a write, never between two.
class Store {
 public:
  // Opens or creates, folder included. `refused` on a network filesystem and on one that is
  // read-only; `invalid` on a file that is no store of ours, or of a later version, which stays as
  // it is; `no_space` where a required reserve does not fit. The observer is told "journal" around
  // each commit but those of batched events alone.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(
      const std::string& path, const Clock& clock, WriteObserver observer = {},
      ReserveRule reserve = ReserveRule::required);
  virtual ~Store() = default;

  // Enters a drill; its journal's first event will carry the head, as it is now, of the newest
  // drill before it that has events. `conflict` where the id is there already.
  [[nodiscard]] virtual Status add(const DrillRecord& drill) = 0;
  [[nodiscard]] virtual Result<std::vector<DrillRecord>> drills() = 0;  // oldest first
  // By its id or a prefix of it, or `latest`: the one that was entered last; `invalid` where
  // several begin so (the text lists them).
  [[nodiscard]] virtual Result<DrillRecord> drill(const std::string& id) = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> lines(const std::string& drill) = 0;
  // The same, one at a time, for as long as `each` wants another.
  [[nodiscard]] virtual Status each_line(const std::string& drill, const LineVisitor& each) = 0;

  // The runner's journal, under the epoch that the drill was added with; `fenced` where another
  // has taken over. A journal has its own connection and outlives the store.
  [[nodiscard]] virtual Result<std::unique_ptr<Journal>> journal(const std::string& drill) = 0;
  // Takes the drill over: whoever held an earlier epoch is `fenced` from now on, in this and every
  // other process. Goes on with the chain that is there.
  [[nodiscard]] virtual Result<std::unique_ptr<Journal>> take_over(const std::string& drill) = 0;
  [[nodiscard]] virtual Status set_verdict(const std::string& drill,
                                           const std::string& verdict) = 0;
};

// $XDG_STATE_HOME/gameday/gameday.db, else ~/.local/state/gameday/gameday.db; an error without
// HOME.
[[nodiscard]] Result<std::string> default_store_path();

}  // namespace gameday
