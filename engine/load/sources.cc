#include "engine/load/sources.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr std::uint32_t kMostWithin = 16;

// The one that the kernel takes by itself. Nothing is sent.
std::optional<SocketAddress> usual_source(const SocketAddress& to) {
  const Descriptor tried(socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SocketAddress usual;
  usual.size = sizeof usual.bytes;
  if (connect(tried.get(), to.get(), to.size) != 0 ||
      getsockname(tried.get(), reinterpret_cast<sockaddr*>(&usual.bytes), &usual.size) != 0) {
    return std::nullopt;
  }
  return usual;
}

Addresses within_this_machine(const SocketAddress& usual, const SocketAddress& to) {
  Addresses all;
  for (std::uint32_t last = 2; all.size() < kMostWithin; ++last) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last);
    SocketAddress address;
    std::memcpy(&address.bytes, &four, sizeof four);
    address.size = sizeof four;
    if (address.number() != usual.number() && address.number() != to.number()) {
      all.push_back(address);
    }
  }
  return all;
}

SocketAddress without_port(const sockaddr& given) {
  SocketAddress address;
  if (given.sa_family == AF_INET) {
    address.size = sizeof(sockaddr_in);
    std::memcpy(&address.bytes, &given, address.size);
    reinterpret_cast<sockaddr_in*>(&address.bytes)->sin_port = 0;
  } else if (given.sa_family == AF_INET6) {
    address.size = sizeof(sockaddr_in6);
    std::memcpy(&address.bytes, &given, address.size);
    reinterpret_cast<sockaddr_in6*>(&address.bytes)->sin6_port = 0;
  }
  return address;
}

}  // namespace

Addresses other_sources(const SocketAddress& to) {
  const auto usual = usual_source(to);
  if (!usual) return {};
  if (usual->number().starts_with("127.")) return within_this_machine(*usual, to);
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(first, &freeifaddrs);
  std::string_view interface;
  const auto each = [&](const auto& use) {
    for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
      if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != usual->family()) continue;
      use(std::string_view(at->ifa_name), without_port(*at->ifa_addr));
    }
  };
  each([&](std::string_view name, const SocketAddress& address) {
    if (address.number() == usual->number()) interface = name;
  });
  Addresses all;
  each([&](std::string_view name, const SocketAddress& address) {
    const std::string number = address.number();
    const bool local = number.starts_with("fe80:") != usual->number().starts_with("fe80:");
    if (name == interface && number != usual->number() && !local) all.push_back(address);
  });
  return all;
}

int connect_from(int socket, const SocketAddress& source) {
  const int on = 1;
  // Kernels before 4.2 have it not, and take a port of their own at once.
  (void)setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  return bind(socket, source.get(), source.size) == 0 ? 0 : errno;
}

}  // namespace gameday
