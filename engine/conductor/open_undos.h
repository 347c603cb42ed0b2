// What a journal still owes: pure, over its lines. The guardian, `revert` and `run` (which does not
// start over leftovers) all ask this.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/journal/chain.h"
#include "engine/rows.h"

namespace gameday {

struct OpenUndo {
  std::uint64_t event = 0;  // the journal's number of its deed
  std::string mark;
  std::string step_id;
  std::string kind;    // the fault's name, "load" or "restore"
  std::string target;  // a target's or region's name
  std::string since;   // RFC 3339
  Undo undo;
  Instant not_after;
  // Until then something that is under way may still arrive: after undoing, it is looked at once
  // more. None where the deed's end is known.
  std::optional<Instant> uncertain_until;
  std::string boot;  // whose clock these instants are of
};

struct PrivateFiles {  // of a deed that is closed, but whose private files were not yet erased
  Undo undo;
  std::string mark;
  bool superseded = false;
};

struct Owed {
  std::vector<OpenUndo> open;  // newest first
  std::vector<PrivateFiles> to_erase;
  std::vector<std::string> marks;  // of every deed that was recorded
  // Actions whose end is in no event: "command (step promote)". Nothing undoes them.
  std::vector<std::string> under_way;
  bool closed = false;  // the chain has its closing event
};

// Lines that are no events are an error: a journal that was tampered with is not acted upon.
[[nodiscard]] Result<Owed> owed_by(const std::vector<std::string>& lines);

}  // namespace gameday
