// The result document: what a drill came to, as `run --json` prints it and the bundle keeps it. A
// pure function of the journal's lines; the same lines give the same bytes.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace gameday {

// `corrupt` where the lines are no chain. A journal without a verdict gives the result of a drill
// whose runner died: stopped, or residue where an undo is still owed.
[[nodiscard]] Result<Json> result_document(const std::vector<std::string>& lines);

// For the end of `run` on a terminal: the verdict, its reasons, and the objectives as a table.
[[nodiscard]] std::string text_summary(const Json& result);

// The score, pillar by pillar, not assessed first.
[[nodiscard]] std::string text_score(const Json& score);
// "64.2 (range 64.2-93.2, coverage 71 %)": a number alone would hide what was not looked at.
[[nodiscard]] std::string shown_range(const Json& score);
// A pillar's criteria: what says least first, so that nobody overlooks it.
[[nodiscard]] std::vector<Json> in_reading_order(const Json& pillar);

}  // namespace gameday
