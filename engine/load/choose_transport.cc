#include "engine/load/http_request.h"
#include "engine/load/ring.h"
#include "engine/load/transport.h"
#include "engine/load/wire_request.h"

namespace gameday {
namespace {

const TransportChoice kCurl{"libcurl", "a name, TLS, or headers that frame"};
const TransportChoice kUring{"io_uring", "an address, without TLS, and the kernel lets us"};

TransportChoice epoll_since(const Error& why) {
  return {"epoll", "an address, without TLS; " + why.text + ": " + why.hint};
}

}  // namespace

std::string transport_of(const LoadSpec& load) {
  if (!load.kind.empty()) return "clients";
  return plain_http(load.request) ? "sockets" : "libcurl";
}

TransportChoice transport_here(const LoadSpec& load) {
  const std::string kind = transport_of(load);
  if (kind == "clients") return {kind, "it speaks no HTTP: blocking clients"};
  if (kind == "libcurl") return kCurl;
  const auto ring = Ring::open(kPieces);
  return ring ? kUring : epoll_since(ring.error());
}

Result<ChosenTransport> make_socket_transport(const Clock& clock, std::size_t most_connections,
                                              const PlainHttp& to) {
  auto by_ring = make_uring_transport(clock, most_connections, to);
  if (by_ring) return ChosenTransport{kUring, std::move(*by_ring)};
  if (by_ring.error().code != ErrorCode::unsupported) return std::unexpected(by_ring.error());
  TRY(by_epoll, make_epoll_transport(clock, most_connections, to));
  return ChosenTransport{epoll_since(by_ring.error()), std::move(by_epoll)};
}

Result<ChosenTransport> make_http_transport(const Clock& clock, std::size_t most_connections,
                                            const RequestPattern& pattern) {
  const WireRequest* wire = pattern.wire();
  if (wire != nullptr) return make_socket_transport(clock, most_connections, wire->to());
  TRY(by_curl, make_curl_transport(clock, most_connections));
  return ChosenTransport{kCurl, std::move(by_curl)};
}

}  // namespace gameday
