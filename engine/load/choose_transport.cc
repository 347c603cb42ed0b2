#include <algorithm>

#include "engine/load/request_mix.h"
#include "engine/load/ring.h"
#include "engine/load/tls_stream.h"
#include "engine/load/transport.h"
#include "engine/load/wire_request.h"
#include "engine/sys/descriptor_room.h"

namespace gameday {
namespace {

const TransportChoice kCurl{"libcurl", "headers that frame, or a URL that it reads better"};

// How far the kernel helps, which it does not where OpenSSL has the bytes in its hands.
std::string shown(const PlainHttp& to) {
  const std::string which = to.address.size > 0 ? "an address" : "a name";
  if (!to.tls) return which + ", without TLS";
  return which + ", TLS by OpenSSL (kTLS " +
         (kernel_has_tls() ? "is in this kernel, and not used)" : "is not in this kernel)");
}

TransportChoice by_uring(const PlainHttp& to) {
  return {"io_uring", shown(to) + ", and the kernel lets us"};
}

TransportChoice epoll_since(const PlainHttp& to, const Error& why) {
  return {"epoll", shown(to) + "; " + why.text + ": " + why.hint};
}

}  // namespace

std::string transport_of(const LoadSpec& load) {
  if (load.carried) return "process";
  if (!load.kind.empty()) return "clients";
  return plain_http(load) ? "sockets" : "libcurl";
}

TransportChoice transport_here(const LoadSpec& load) {
  const std::string kind = transport_of(load);
  if (kind == "process") return {load.kind, "a process of its own, which tells what it sent"};
  if (kind == "clients") return {kind, "it speaks no HTTP: blocking clients"};
  if (kind == "libcurl") return kCurl;
  const auto to = plain_http(load.request);
  const auto ring = Ring::open(kPieces);
  return ring ? by_uring(*to) : epoll_since(*to, ring.error());
}

Result<ChosenTransport> make_socket_transport(const Clock& clock, std::size_t most_connections,
                                              const PlainHttp& to) {
  auto by_ring = make_uring_transport(clock, most_connections, to);
  if (by_ring) return ChosenTransport{by_uring(to), std::move(*by_ring)};
  if (by_ring.error().code != ErrorCode::unsupported) return std::unexpected(by_ring.error());
  TRY(by_epoll, make_epoll_transport(clock, most_connections, to));
  return ChosenTransport{epoll_since(to, by_ring.error()), std::move(by_epoll)};
}

std::size_t most_connections_here() {
  constexpr std::size_t kOfOthers = 128;  // files, pipes, and what probes are connected to
  const std::size_t all = allow_many_descriptors();
  return all > 2 * kOfOthers ? all - kOfOthers : all / 2;
}

Result<ChosenTransport> make_http_transport(const Clock& clock, std::size_t most_connections,
                                            const RequestPattern& pattern) {
  most_connections = std::min(most_connections, most_connections_here());
  const WireRequest* wire = pattern.wire();
  if (wire != nullptr) return make_socket_transport(clock, most_connections, wire->to());
  TRY(by_curl, make_curl_transport(clock, most_connections));
  return ChosenTransport{kCurl, std::move(by_curl)};
}

}  // namespace gameday
