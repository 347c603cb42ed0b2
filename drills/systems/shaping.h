// How fast a network interface passes on what leaves through it, or how late: the kernel's token
// bucket (tc-tbf(8)) or its netem (tc-netem(8)) at the root of its queue. Ours is known by its
// handle, which comes of the deed's mark, and by what it does; a queue that somebody else has put
// there is left alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drills/systems/netns.h"
#include "engine/rows.h"

namespace gameday {

struct Interface {
  std::string name;
  std::int64_t index = 0;
  std::int64_t peer = 0;  // the index of its other end, in another namespace; 0: it has none
  std::int64_t mtu = 0;   // bytes of its largest packet
  bool loopback = false;
};
// Those of a namespace, its loopback among them or not.
[[nodiscard]] Result<std::vector<Interface>> every_interface_in(const std::string& entrance,
                                                                const DeedContext& context);
[[nodiscard]] Result<std::vector<Interface>> interfaces_in(const std::string& entrance,
                                                           const DeedContext& context);

// How much later each packet leaves, in microseconds.
struct Lateness {
  std::int64_t latency = 0;  // at least; 0: none is late
  std::int64_t jitter = 0;   // up to so much on top, each packet by chance alone
};

// One interface that is to be slowed, or is: by a rate, or by being late.
struct Shaped {
  Netns netns;
  Interface interface;
  std::string handle;     // "4c1a:"
  std::int64_t rate = 0;  // bytes a second; 0: as many as come
  Lateness late = {};
};
[[nodiscard]] Json to_json(const Shaped& shaped);
[[nodiscard]] Result<Shaped> shaped_from(const Json& value);
[[nodiscard]] std::string handle_of(const std::string& mark);

// How many bytes pass at once, before a rate holds any up.
[[nodiscard]] std::int64_t burst_of(const Shaped& shaped);

// Whether the kernel puts a queue of this kind there again by itself when ours goes: `by_default`
// is what it gives to interfaces now; empty: unknown.
[[nodiscard]] bool comes_back(std::string_view kind, std::string_view by_default);

// Refuses an interface whose queue somebody has set, or that the kernel would not set again: it
// could not be put back as it was.
// Refuses, too, where this kernel has no such queue, which is tried in a namespace that nobody else
// is in. `unsupported`: tc is not there.
[[nodiscard]] Status may_shape(const Shaped& shaped, const DeedContext& context);

[[nodiscard]] Status shape(const Shaped& shaped, const DeedContext& context);

struct Shaping {
  bool there = false;        // ours, as it was set
  std::int64_t bytes = 0;    // that left through it
  std::int64_t held_up = 0;  // by a rate: how often a packet had to wait, or was thrown away
  std::int64_t dropped = 0;  // packets that were thrown away
};
// Nothing is there where the interface or its namespace is gone.
[[nodiscard]] Result<Shaping> look_at_shaping(const Shaped& shaped, const DeedContext& context);

// Takes ours away; done where it is not there.
[[nodiscard]] Status unshape(const Shaped& shaped, const DeedContext& context);

}  // namespace gameday
