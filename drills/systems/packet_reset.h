// What shows that rules reset TCP connections, on a machine or in a network namespace.
#pragma once

#include "engine/rows.h"

namespace gameday {

// By connections of our own along the undo's flows, which must be refused and counted by the rules;
// else by what these have answered of others'. One that somebody else refuses proves nothing.
[[nodiscard]] Result<Proof> prove_reset_in(const Undo& undo, const DeedContext& context);

}  // namespace gameday
