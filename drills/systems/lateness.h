// How late what goes from one network namespace to another is, and what comes back: measured by
// datagrams of our own, before anything makes them late and while something does.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/own_traffic.h"
#include "drills/systems/shaping.h"
#include "engine/rows.h"

namespace gameday {

// A way in and out again, and how long each took before.
struct LatePath {
  Flow flow;  // the way in
  RoundTrip before;
};
[[nodiscard]] Json to_json(const LatePath& path);
[[nodiscard]] Result<LatePath> late_path_from(const Json& value);

// Those of the ways by which something of ours comes through, both ways, as things stand.
[[nodiscard]] Result<std::vector<LatePath>> paths_by(const std::vector<Flow>& flows,
                                                     const DeedContext& context);

// Held where each of them, and one at least, is as late as was asked for and later than before, in
// the directions that are to be ("both", "in", "out"). Of several datagrams the fastest counts: a
// machine that is busy makes some of them later, and none earlier.
[[nodiscard]] Result<Proof> measure_lateness(const std::vector<LatePath>& paths,
                                             const std::string& direction, const Lateness& late,
                                             const DeedContext& context);

}  // namespace gameday
