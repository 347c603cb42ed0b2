// What is done to the packets of containers, one or all of a region, by rules in their own network
// namespaces: of what goes to and comes from anybody but each other, or one other container alone.
// Links inside of the region stay, and so does the engine's resolver, which answers inside of each
// namespace. A container that is started anew has a namespace without rules; the proof says so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drills/systems/container_network.h"
#include "drills/systems/host_block.h"
#include "drills/systems/own_traffic.h"

namespace gameday {

inline constexpr std::string_view kRightsOfContainerRules =
    "to speak to the Docker engine of this machine, and to set rules of iptables and ip6tables in "
    "network namespaces: root, or CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_SYS_PTRACE";

struct Member {
  HeldContainer held;
  Container now;
};

// Whom a deed is about.
struct Affected {
  DockerEngine engine;
  std::vector<Member> members;
  std::optional<Member> other;  // the other end of the one link; its own network is not touched
  Packets packets;
};
[[nodiscard]] Result<Affected> affected_by(const Deed& deed, const DeedContext& context);

// The rules in one namespace, as `prepare_block_in` makes an undo of them.
using PrepareOne = std::function<Result<Undo>(const Member&, const Netns&, const Affected&)>;
[[nodiscard]] Result<Undo> prepare_in_each(std::string kind, const Deed& deed,
                                           const PrepareOne& prepare, const DeedContext& context);
[[nodiscard]] Status set_in_each(const Deed& deed, const Undo& undo, const DeedContext& context);

// Held where it holds of each of them.
using LookAtOne = std::function<Result<Proof>(const Undo& rules)>;
[[nodiscard]] Result<Proof> prove_in_each(const Undo& undo, const LookAtOne& look,
                                          const DeedContext& context);
[[nodiscard]] Status remove_in_each(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> gone_in_each(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Json> discover_in_each(const Deed& deed, const DeedContext& context);
[[nodiscard]] Status may_in_each(const Deed& deed, const DeedContext& context);

// Whom a member could reach until now, on its own networks: their gateways and who else is there.
[[nodiscard]] Result<std::vector<Somebody>> neighbours_of(const Member& member,
                                                          const Affected& affected,
                                                          const DeedContext& context);

// Ways for traffic of our own, each as the rules hit it: between a member and the other end of its
// link, else its gateway, which its engine's machine is.
[[nodiscard]] std::vector<Flow> flows_of(const Member& member, const Netns& netns,
                                         const Affected& affected);

}  // namespace gameday
