// Trying who can be reached from inside of a network namespace, by real packets of our own.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/packets.h"
#include "engine/rows.h"

namespace gameday {

enum class Reached {
  yes,      // joined, or refused by the other end itself: packets went there and came back
  nothing,  // no answer, or not let out
  no_way    // no way leads there: nothing was sent
};
[[nodiscard]] std::string_view name_of(Reached reached);

// Of each in turn, all at once: a connection, or a datagram where it is about UDP alone, of which
// is known only whether it was let out. `within` is how long an answer may take.
[[nodiscard]] Result<std::vector<Reached>> try_each(const std::string& entrance,
                                                    const std::vector<Somebody>& people,
                                                    const Packets& packets, Duration within,
                                                    const DeedContext& context);

// Whether that address is one of the machine's own, so that it answers for itself.
[[nodiscard]] bool is_own(const std::string& entrance, const Somebody& somebody);

}  // namespace gameday
