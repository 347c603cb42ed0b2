#include "engine/proxy/address.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "engine/sys/descriptor.h"

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

const sockaddr* SocketAddress::get() const { return reinterpret_cast<const sockaddr*>(&bytes); }

namespace {

addrinfo hints_for(int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  return hints;
}

Result<SocketAddress> first_of(const addrinfo* found, int error, const std::string& host) {
  if (error != 0 || found == nullptr) {
    return fail(ErrorCode::not_found,
                "cannot find the address of " + host + ": " + gai_strerror(error));
  }
  SocketAddress address;
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  return address;
}

Result<SocketAddress> looked_up(const HostPort& wanted, int flags) {
  const addrinfo hints = hints_for(flags);
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(wanted.host.c_str(), std::to_string(wanted.port).c_str(), &hints, &found);
  auto address = first_of(found, error, wanted.host);
  if (found != nullptr) freeaddrinfo(found);
  return address;
}

// A look-up on a thread of the C library, which cannot be stopped: it holds on to itself until it
// has ended, whoever waits for it.
struct LookUp {
  explicit LookUp(const HostPort& wanted) : host(wanted.host), port(std::to_string(wanted.port)) {
    request.ar_name = host.c_str();
    request.ar_service = port.c_str();
    request.ar_request = &hints;
  }
  ~LookUp() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
  LookUp(const LookUp&) = delete;
  LookUp& operator=(const LookUp&) = delete;

  static void ended(sigval value) {
    const auto last = std::move(static_cast<LookUp*>(value.sival_ptr)->self);
    eventfd_write(last->done.get(), 1);
  }

  std::string host, port;
  addrinfo hints = hints_for(0);
  gaicb request{};
  Descriptor done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::shared_ptr<LookUp> self;
};

Status begin(const std::shared_ptr<LookUp>& look_up) {
  if (!look_up->done) return std::unexpected(system_error(errno, "cannot look up a name"));
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = &LookUp::ended;
  event.sigev_value.sival_ptr = look_up.get();
  gaicb* requests[] = {&look_up->request};
  look_up->self = look_up;
  const int error = getaddrinfo_a(GAI_NOWAIT, requests, 1, &event);
  if (error == 0) return {};
  look_up->self.reset();
  return fail(ErrorCode::failed, std::string("cannot look up a name: ") + gai_strerror(error));
}

}  // namespace

Result<SocketAddress> resolve_address(std::string_view text) {
  TRY(wanted, parse_host_port(text));
  return looked_up(wanted, 0);
}

Result<SocketAddress> resolve_address(std::string_view text, const Clock& clock,
                                      const Until& until) {
  TRY(wanted, parse_host_port(text));
  if (auto number = looked_up(wanted, AI_NUMERICHOST)) return number;
  const auto look_up = std::make_shared<LookUp>(wanted);
  TRY_OK(begin(look_up));
  const auto ready = wait_for(look_up->done.get(), POLLIN, clock, until);
  if (!ready) return std::unexpected(ready.error().in("looking up " + wanted.host));
  return first_of(look_up->request.ar_result, gai_error(&look_up->request), wanted.host);
}

std::string bound_address(int descriptor) { return address_by(getsockname, descriptor); }

std::string peer_address(int descriptor) { return address_by(getpeername, descriptor); }

}  // namespace gameday
