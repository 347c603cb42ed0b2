// Queues at several interfaces, set and taken away as one deed; and what shows that a rate at them
// holds up what would pass faster.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "drills/systems/shaping.h"
#include "engine/rows.h"

namespace gameday {

[[nodiscard]] Json to_json(const std::vector<Shaped>& ends);
[[nodiscard]] Result<std::vector<Shaped>> shaped_ends_from(const Json& value);

[[nodiscard]] Status shape_each(const std::vector<Shaped>& ends, const DeedContext& context);
// All of them, although one cannot be.
[[nodiscard]] Status unshape_each(const std::vector<Shaped>& ends, const DeedContext& context);

struct EndsSeen {
  bool whole = true;  // each has its queue
  std::vector<Shaping> ends;
};
[[nodiscard]] Result<EndsSeen> look_at_each(const std::vector<Shaped>& ends,
                                            const DeedContext& context);

// `whose`: they are, as a proof tells it: "container shop-cache-1".
[[nodiscard]] Result<Proof> each_gone(const std::vector<Shaped>& ends, const std::string& whose,
                                      const DeedContext& context);

// Traffic of our own, begun while it is looked; null: that of others must show it.
using Push = std::function<Status()>;
// Held where the kernel has held something up, and the fastest of them kept the rate.
[[nodiscard]] Result<Proof> prove_rate(const std::vector<Shaped>& ends, const std::string& whose,
                                       const Push& push, const DeedContext& context);

}  // namespace gameday
