// From where connections can be made when the address that the kernel takes by itself has no port
// left: by how many ports a machine has, 28,000 or so of its connections go from one address to one
// other, those that ended a minute ago among them.
#pragma once

#include "engine/sys/host_names.h"

namespace gameday {

// The other addresses of this machine from which that one is reached by the same way, without a
// port: those of the same interface; within this machine 127.0.0.2 and so on, where IPv6 has one
// address.
[[nodiscard]] Addresses other_sources(const SocketAddress& to);

// That the socket is connected from that address, by a port that is chosen only then, so that it
// may be one that leads from there to somewhere else too. An errno value, or 0.
[[nodiscard]] int connect_from(int socket, const SocketAddress& source);

}  // namespace gameday
