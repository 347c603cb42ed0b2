// `gameday rehearse`: a playbook rehearsed from one seed, or from several in a row, as a document
// and as text. Prints nothing and writes no file; whoever calls does.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/sim/rehearsal.h"

namespace gameday {

struct RehearseTerms {
  std::shared_ptr<const Playbook> playbook;
  std::uint64_t seed = 1;
  std::uint64_t count = 1;
  std::string version;
  bool failures = false;  // of gameday's own parts too, drawn from each seed
  Json rubric = Json();   // {"sha256","text"} for the journal
};

struct Rehearsed {
  int exit_code = 70;  // of the one rehearsal; of several: the first that is not 0
  Json document;       // --json: the one rehearsal, or {"rehearsals": [...]} of several
  std::string text;    // for people: a line for each, and its reasons
  // For --out: file names and their bytes; of a single rehearsal only.
  std::vector<std::pair<std::string, std::string>> files;
};

// An error only where the playbook cannot be planned.
[[nodiscard]] Result<Rehearsed> rehearse_seeds(const RehearseTerms& terms, const Rows& rows);

// A rehearsal as `result.json` has it: verdict, exit_code, reasons, what was measured, and
// `evidence` with the journal's head.
[[nodiscard]] Json to_json(const Rehearsal& rehearsal, const Playbook& playbook,
                           const std::string& version);

}  // namespace gameday
