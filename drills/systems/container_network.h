// A container's network, and who else lives in it: containers can share one.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/container_held.h"
#include "drills/systems/netns.h"

namespace gameday {

inline constexpr std::string_view kJoins = "container:";  // a network mode: another one's namespace
[[nodiscard]] std::string network_mode(const Container& container);

// Its network namespace. refused: it cannot be seen from here, or is that of the whole machine.
[[nodiscard]] Result<Netns> netns_of(const HeldContainer& held, const Container& now);

// The one in which its engine, and so the other end of each of its interfaces, is: mostly our own.
[[nodiscard]] Result<Netns> netns_of_engine(const DockerEndpoint& endpoint);

// "container A lives in the network of B", where one of the two is not among `named`. Empty: there
// is nobody else.
[[nodiscard]] Result<std::string> others_in_network_of(const std::vector<Container>& named,
                                                       const DockerEngine& engine,
                                                       const DeedContext& context);

}  // namespace gameday
