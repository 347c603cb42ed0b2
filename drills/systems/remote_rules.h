// Rules of iptables and ip6tables on a machine behind ssh, as scripts that are run there: what
// drills/systems/packet_rules.h does where the programs are ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drills/systems/packet_rules.h"
#include "drills/systems/remote.h"

namespace gameday {

struct RemoteRules {
  Remote remote;
  Packets packets;
  std::string mark;
  // The builtin chains that these would be the first in, by family, where nft is there to tell.
  Json made = Json::object();
};

// The way that we come and that the undo needs: our ssh goes through before anything is stopped.
[[nodiscard]] FirstRules let_us_through(const Remote& remote, Family family);

// Says nothing and ends well where the rules may be set.
[[nodiscard]] std::string may_set_script(const std::vector<Family>& families);
[[nodiscard]] std::string set_script(const RemoteRules& rules);
[[nodiscard]] std::string remove_script(const RemoteRules& rules);

// One look from there, with attempts at `tried` between two looks at the rules, and a third once
// packets of others have come by, where `waits`.
struct RemoteRulesSeen {
  RulesThere before, tried, after;
};
struct RemoteBlockSeen {
  bool there = false, watched = false;
  RemoteRulesSeen four, six;
  std::vector<Somebody> answer;
  Json to_be_made = Json::object();  // what `made` would be
  [[nodiscard]] const RemoteRulesSeen& of(Family family) const {
    return family == Family::v4 ? four : six;
  }
};
[[nodiscard]] Result<RemoteBlockSeen> look_at_block(const RemoteRules& rules,
                                                    const std::vector<Somebody>& tried, bool waits,
                                                    const DeedContext& context);

}  // namespace gameday
