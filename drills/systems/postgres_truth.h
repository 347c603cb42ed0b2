// What the endings of PostgreSQL's own programs mean, of a server's that recovers, and of tar's,
// which unpacks a base backup. Each of them exits with 1 or 2 whatever went wrong.
#pragma once

#include "drills/systems/truth.h"

namespace gameday {

// By the names of the programs; "recovery": a server's end, by what it printed and logged.
extern const TruthTable postgres_15;
extern const TruthTable tar_1_34;  // "extract"

// An error where that is no success.
[[nodiscard]] Status told_by(const TruthTable& table, std::string_view command, const Ended& ended);

}  // namespace gameday
