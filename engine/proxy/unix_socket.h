// The address of a unix socket.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "engine/base/result.h"

namespace gameday {

struct UnixAddress {
  sockaddr_un bytes{};
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
  [[nodiscard]] static constexpr socklen_t size() { return sizeof(sockaddr_un); }
};
// `invalid`: the path is too long for the kernel.
[[nodiscard]] Result<UnixAddress> unix_address(const std::string& path);

}  // namespace gameday
