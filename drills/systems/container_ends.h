// The two ends of each network of a container: its interfaces in its own network namespace, by
// which it sends, and their other ends, which are where its engine is, by which it gets. A queue is
// set at them, and taken away, as one deed.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/container_network.h"
#include "drills/systems/packets.h"
#include "drills/systems/shaped_ends.h"

namespace gameday {

inline constexpr std::string_view kRightsOfContainerQueues =
    "to speak to the Docker engine of this machine, and to set queues by tc there and in network "
    "namespaces: root, or CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_SYS_PTRACE";

inline constexpr Field kSlowedWay{
    .name = "direction",
    .type = FieldType::choice,
    .help = "Whether what comes in is slowed, what goes out, or both.",
    .otherwise = "both",
    .choices = kWays};

struct ContainerEnds {
  HeldContainer held;
  std::vector<Shaped> ends;
};
[[nodiscard]] Json to_json(const ContainerEnds& slowed);
[[nodiscard]] Result<ContainerEnds> container_ends_from(const Json& value);

// The deed's target, with those ends that its `direction` names, each to be slowed as `like` is.
// Refuses what would slow others with it, what has a queue already, and what this kernel cannot.
[[nodiscard]] Result<ContainerEnds> find_container_ends(const Deed& deed, Shaped like,
                                                        const DeedContext& context);

[[nodiscard]] Status shape_ends(const ContainerEnds& slowed, const DeedContext& context);
// All of them, although one cannot be; without the engine, which may be gone.
[[nodiscard]] Status unshape_ends(const Undo& undo, const DeedContext& context);

[[nodiscard]] Result<Proof> ends_gone(const Undo& undo, const DeedContext& context);

}  // namespace gameday
