// A drill in virtual time against a simulated system: the same conductor, the same journal, the
// same replayer, and the same bytes for the same seed. Touches nothing outside of itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/conductor/drill.h"
#include "engine/sim/failures.h"
#include "engine/sim/simulated_system.h"

namespace gameday {

// Who runs a rehearsal; somebody else answers.
inline constexpr std::string_view kRehearsalOperator = "rehearsal";

struct RehearsalOptions {
  std::string version;
  Failures failures;           // none: everything but the faults works
  bool draw_failures = false;  // by the seed, instead of these
  Json rubric = Json();        // as a drill's
  double most_rate = 20;       // requests a second that are simulated of a load that sends more
};

enum class RehearsalEnd {
  closed,       // with its verdict
  not_started,  // the journal could not be begun
  interrupted,  // the runner ended before its drill did
  fenced,       // it woke up and found that somebody else had taken over
  defect        // a mistake of ours
};

struct Rehearsal {
  std::uint64_t seed = 0;
  std::string drill;
  RehearsalEnd end = RehearsalEnd::defect;
  int exit_code = 70;
  std::string verdict;
  std::string message;               // why, where the journal does not say it
  std::vector<std::string> journal;  // canonical lines
  Json document;                     // the parts of the result document that were measured
  Failures failures;

  // What the simulated system knows.
  std::vector<std::string> standing;        // marks of deeds that still stand in it
  std::vector<Change> changes;              // who changed it, in order
  std::vector<std::string> unrecorded;      // marks of deeds that were begun with no record on disk
  std::optional<Instant> taken_over;        // when a replayer first took the drill over
  std::vector<std::string> superseded;      // marks, as the drill has it at its close
  bool frozen = false;                      // the runner was stopped long enough to be taken over
  std::uint64_t idle_changes = 0;           // by replayers to whom nothing was owed
  std::vector<std::string> replay_residue;  // what the last replayer could not undo
  std::vector<std::string> claimed_gone;    // marks that stood when a replayer had left nothing
  std::vector<std::string> copies;          // marks whose saved copy is still there
  std::uint64_t missing = 0;                // acknowledged writes that were not there at the end
  std::uint64_t late_writes = 0;            // writes of a load after its cleanup
  bool lagged = false;                      // the load was kept from its plan
  int replays = 0;
};

// An error only where the playbook cannot be planned.
[[nodiscard]] Result<Rehearsal> rehearse(std::shared_ptr<const Playbook> playbook, const Rows& rows,
                                         std::uint64_t seed, const RehearsalOptions& options);

}  // namespace gameday
