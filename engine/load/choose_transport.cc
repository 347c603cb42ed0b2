#include "engine/load/http_request.h"
#include "engine/load/ring.h"
#include "engine/load/transport.h"

namespace gameday {
namespace {

const TransportChoice kUring{"io_uring", "an address, without TLS, and the kernel lets us"};

TransportChoice epoll_since(const Error& why) {
  return {"epoll", "an address, without TLS; " + why.text + ": " + why.hint};
}

}  // namespace

std::string transport_of(const LoadSpec& load) {
  if (load.carried) return "process";
  if (!load.kind.empty()) return "clients";
  return plain_http(load.request) ? "sockets" : "libcurl";
}

TransportChoice transport_here(const LoadSpec& load) {
  const std::string kind = transport_of(load);
  if (kind == "process") return {load.kind, "a process of its own, which tells what it sent"};
  if (kind == "clients") return {kind, "it speaks no HTTP: blocking clients"};
  if (kind == "libcurl") return {kind, "a name, TLS, or headers that frame"};
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

}  // namespace gameday
