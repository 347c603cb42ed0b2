// What several commands need: the playbook, the store, this program's own path.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "engine/journal/store.h"
#include "engine/playbook/load_playbook.h"

namespace gameday {

inline constexpr Option kStoreOption{"store", OptionKind::text, "FILE",
                                     "The store; default $XDG_STATE_HOME/gameday/gameday.db."};
inline constexpr Option kJsonOption{"json", OptionKind::flag, "",
                                    "Print one JSON document on standard output."};
inline constexpr Option kVarOption{"var", OptionKind::texts, "NAME=VALUE",
                                   "Fills ${NAME} in the playbook; for nothing secret."};
inline constexpr Option kSeedOption{"seed", OptionKind::number, "N",
                                    "What chance is drawn from; default 1."};

// Those of a drill's verdicts.
inline constexpr ExitCode kVerdictCodes[] = {
    {0, "passed: the drill ran, and every objective held"},
    {1, "failed: an objective was missed, or acknowledged data is lost or corrupt"},
    {2, "invalid: usage or playbook; nothing was touched"},
    {3, "not started: no steady state, no target, a right is lacking, leftovers, a lock is held"},
    {4, "stopped: by a condition, a limit, a person, the guardian or the journal; all is undone"},
    {5, "residue: something could not be undone; it is named, with what to do by hand"},
    {6, "inconclusive: a fault was not proven, the load missed its plan, or evidence is missing"},
    {70, "a defect in gameday itself, after undoing"}};

// A playbook that was checked; its problems are printed on standard error.
struct CheckedPlaybook {
  std::shared_ptr<const Playbook> playbook;  // null: exit with 2
  std::vector<std::string> errors;           // "FILE:LINE:COL: TEXT"
};
[[nodiscard]] CheckedPlaybook check_aloud(const std::string& path, const Arguments& arguments,
                                          const Rows& rows);
// The same for who needs no more than the playbook.
[[nodiscard]] std::shared_ptr<const Playbook> checked_playbook(const Arguments& arguments,
                                                               const Rows& rows);
// The absolute path of the store; makes nothing, opening it does.
[[nodiscard]] Result<std::string> store_path(const Arguments& arguments);
// For who only reads or undoes: not_found where there is no store, which is then not made.
[[nodiscard]] Result<std::unique_ptr<Store>> existing_store(const Arguments& arguments,
                                                            const Clock& clock);
[[nodiscard]] std::string own_executable();
[[nodiscard]] std::string operator_name();

}  // namespace gameday
