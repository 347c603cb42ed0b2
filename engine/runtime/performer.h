// Does one task of the conductor's, synchronously, on whatever thread calls it. Knows rows, doors
// and loads; knows nothing of phases or of the journal.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "engine/conductor/events.h"
#include "engine/conductor/plan.h"
#include "engine/load/load.h"
#include "engine/secrets.h"
#include "engine/sys/doors.h"

namespace gameday {

struct PerformerTerms {
  const Doors& doors;
  const Rows& rows;
  const Secrets& secrets;
  std::shared_ptr<const Playbook> playbook;
  std::string drill;
  std::uint64_t seed = 0;
  std::string private_folder;
  std::string executable;  // of this program, for proxies
  std::function<void(const std::string& load, const WindowCount&)> each_window;
  // Asked once the targets are found, before anything is done to them; may be empty.
  std::function<Status(const std::vector<Instance>& found)> may_use = {};
};

// Thread-safe as far as the conductor needs it: deeds, backups and scratch restores side by side,
// one task of the other kinds at a time, all of them while loads run.
class Performer {
 public:
  explicit Performer(PerformerTerms terms) : terms_(std::move(terms)) {}

  // Never throws: an exception from a row is a defect of ours and comes back as an error, with
  // its text in `defect`.
  [[nodiscard]] Done perform(const Task& task, const Stop& stop);
  [[nodiscard]] std::string defect() const;  // the first one; empty: none

  [[nodiscard]] DeedContext context(const std::string& mark, const Until& until) const;
  // What a running load's ledger holds so far, by the bundle's file name; and why a load ended
  // early.
  struct LedgerState {
    std::string load, file;
    LedgerMark mark;
  };
  [[nodiscard]] std::vector<LedgerState> ledgers();
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> load_problems();
  // Stops sending at once, for a runner that ends without its conductor.
  void end_all_loads();

 private:
  struct RunningLoad {
    LoadTerms terms;
    std::unique_ptr<Load> load;
    bool ended = false;
  };

  Done dispatch(const Task& task, const Until& until);
  Done system_start(const Task& task, const Until& until);
  Done system_stop(const Task& task, const Until& until);
  Done read_invariants(const Task& task, const Until& until);
  Done prepare(const Task& task, const Until& until);
  Done with_identity(const Task& task, Done done);
  Done inject(const Task& task, const Until& until);
  Done perform_action(const Task& task, const Until& until);
  Done prove_action(const Task& task, const Until& until);
  Done undo(const Task& task, const Until& until);
  Done look(const Task& task, const Until& until);
  Done close(const Task& task, const Until& until);
  Done backup(const Task& task, const Until& until);
  Done restore_scratch(const Task& task, const Until& until);
  Done replay_queue(const Task& task, const Until& until);
  Done drain(const Task& task, const Until& until);
  Done end_loads(const Task& task);
  Done read_back_ledger(const Task& task, const Until& until);
  Done summarise_load(const Task& task);
  Status start_load_of(const std::string& name, const Undo& undo, const std::string& mark,
                       const Until& until);
  void let_speak(LoadTerms& terms, const Undo& undo, const std::string& mark) const;
  Status run_command(const std::vector<std::string>& argv, const Until& until);
  [[nodiscard]] bool ready(const Until& until);
  Status bring_up(const Until& until, bool* started);
  Result<std::vector<Instance>> resolve(const Until& until);
  RunningLoad* running(const std::string& name);
  [[nodiscard]] std::string ledger_file(const std::string& load) const;

  PerformerTerms terms_;
  std::mutex mutex_;  // guards loads_ and must_be_
  std::map<std::string, RunningLoad> loads_;
  std::map<std::string, Json> must_be_;  // by target, for the undos of what is done to it
  // What the invariants were when they were first read, before the timeline; never changed after.
  std::optional<std::vector<InvariantSeen>> begun_;
  bool system_started_ = false;            // by this drill
  std::set<std::string> proxies_started_;  // the same
  mutable std::mutex defect_mutex_;
  std::string defect_;
};

}  // namespace gameday
