// What shows that rules do something to packets: what becomes of traffic of our own through them,
// and what they count of it and of others'.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "drills/systems/own_traffic.h"
#include "drills/systems/packet_rules.h"
#include "engine/rows.h"

namespace gameday {

// Whether traffic goes through as it should while nothing is done to it.
using Works = std::function<Result<bool>(const Flow&)>;

// The undo of `prepare_block_in`, with those flows that work now. One that leads out and does not,
// as past a firewall of the other end, goes on without being taken there.
[[nodiscard]] Result<Undo> prepare_with_traffic(const Netns& netns, const Packets& packets,
                                                const std::vector<Flow>& flows, const Works& works,
                                                const DeedContext& context);

// Of one family.
struct Judged {
  bool bites = false;
  bool spoilt = false;  // something shows that it does not do what it should
  std::string text;
  Json facts = Json::object();
};
using LookAtRules = std::function<Result<RulesThere>()>;
using Judge = std::function<Result<Judged>(const std::vector<Flow>&, const LookAtRules&)>;

// Held where one family bites and none is spoilt; where nothing shows it, traffic of others is
// waited for, and judged without any flow.
[[nodiscard]] Result<Proof> prove_by_traffic(const Undo& undo, const Judge& judge,
                                             const DeedContext& context);

}  // namespace gameday
