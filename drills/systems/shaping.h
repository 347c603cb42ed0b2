// How fast a network interface passes on what leaves through it: the kernel's token bucket
// (tc-tbf(8)) at the root of its queue. Ours is known by its handle, which comes of the deed's
// mark, and by its rate; a queue that somebody else has put there is left alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drills/systems/netns.h"
#include "engine/rows.h"

namespace gameday {

struct Interface {
  std::string name;
  std::int64_t index = 0;
  std::int64_t peer = 0;  // the index of its other end, in another namespace; 0: it has none
};
// Those of a namespace, apart from its loopback.
[[nodiscard]] Result<std::vector<Interface>> interfaces_in(const std::string& entrance,
                                                           const DeedContext& context);

// One interface that is to be slowed, or is.
struct Shaped {
  Netns netns;
  Interface interface;
  std::string handle;     // "4c1a:"
  std::int64_t rate = 0;  // bytes a second
};
[[nodiscard]] Json to_json(const Shaped& shaped);
[[nodiscard]] Result<Shaped> shaped_from(const Json& value);
[[nodiscard]] std::string handle_of(const std::string& mark);

// Refuses an interface whose queue somebody has set: it could not be put back as it was.
// `unsupported`: tc is not there, or this kernel has no token bucket.
[[nodiscard]] Status may_shape(const Shaped& shaped, const DeedContext& context);

[[nodiscard]] Status shape(const Shaped& shaped, const DeedContext& context);

struct Shaping {
  bool there = false;        // ours, with its rate
  std::int64_t bytes = 0;    // that left through it
  std::int64_t held_up = 0;  // how often a packet had to wait, or was thrown away
};
// Nothing is there where the interface or its namespace is gone.
[[nodiscard]] Result<Shaping> look_at_shaping(const Shaped& shaped, const DeedContext& context);

// Takes ours away; done where it is not there.
[[nodiscard]] Status unshape(const Shaped& shaped, const DeedContext& context);

}  // namespace gameday
