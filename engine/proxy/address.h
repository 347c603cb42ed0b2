// Addresses as playbooks write them, "127.0.0.1:8201", and as the kernel takes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/host_names.h"

namespace gameday {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  int port = 0;
};
// "host:port", "[::1]:port"; port 0 is allowed and means any free one.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

// The first address of that name; asking a name server can take long, so names are looked up once,
// before any traffic.
[[nodiscard]] Result<SocketAddress> resolve_address(std::string_view text);
// The same, for whoever must be done by then: a look-up that takes longer goes on behind its back.
[[nodiscard]] Result<SocketAddress> resolve_address(std::string_view text, const Clock& clock,
                                                    const Until& until);

// The address that a socket is bound to, as text.
[[nodiscard]] std::string bound_address(int descriptor);
// The address at the other end of it.
[[nodiscard]] std::string peer_address(int descriptor);

}  // namespace gameday
