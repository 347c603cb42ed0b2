// A long journal's lines, read as events some batches ahead of whoever goes through them: reading
// one takes longer than all that follows from it, and needs no other line.
#pragma once

#include <functional>
#include <string>

#include "engine/journal/chain.h"

namespace gameday {

struct ReadLine {
  std::string line;
  Result<Event> event;
  std::string hash;  // of the line; empty where it is no event
};

// Calls `each` with every line in its order, on the caller's thread, for as long as it wants
// another. The source may be asked for more lines than `each` gets to see.
[[nodiscard]] Status read_ahead(const LineSource& source,
                                const std::function<bool(ReadLine&)>& each);

}  // namespace gameday
