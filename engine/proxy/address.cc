#include "engine/proxy/address.h"

#include <netdb.h>

#include <cstring>

namespace gameday {
namespace {

std::string address_by(int (*ask)(int, sockaddr*, socklen_t*), int descriptor) {
  SocketAddress address;
  address.size = sizeof address.bytes;
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (ask(descriptor, reinterpret_cast<sockaddr*>(&address.bytes), &address.size) != 0 ||
      getnameinfo(address.get(), address.size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "";
  }
  const bool six = address.family() == AF_INET6;
  return (six ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::invalid,
                "\"" + std::string(text) + "\" is no address; expected host:port");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  if (host.empty() || digits.empty() || digits.size() > 5) return wrong();
  int port = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return wrong();
    port = port * 10 + (digit - '0');
  }
  if (port > 65535) return wrong();
  return HostPort{std::string(host), port};
}

Result<SocketAddress> resolve_address(std::string_view text) {
  TRY(wanted, parse_host_port(text));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(wanted.host.c_str(), std::to_string(wanted.port).c_str(), &hints, &found);
  if (error != 0 || found == nullptr) {
    return fail(ErrorCode::not_found,
                "cannot find the address of " + wanted.host + ": " + gai_strerror(error));
  }
  SocketAddress address;
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

Result<SocketAddress> resolve_address(std::string_view text, const Clock& clock,
                                      const Until& until) {
  TRY(wanted, parse_host_port(text));
  TRY(all, addresses_of(wanted.host, wanted.port, clock, until));
  return all.front();
}

std::string bound_address(int descriptor) { return address_by(getsockname, descriptor); }

std::string peer_address(int descriptor) { return address_by(getpeername, descriptor); }

}  // namespace gameday
