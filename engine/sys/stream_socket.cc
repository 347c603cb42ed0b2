#include "engine/sys/stream_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

#include "engine/sys/host_names.h"

namespace gameday {
namespace {

Result<Descriptor> socket_of(int family) {
  Descriptor made(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return std::unexpected(system_error(errno, "cannot make a socket"));
  return made;
}

Result<Descriptor> connected(const SocketAddress& to, const Clock& clock, const Until& until) {
  TRY(made, socket_of(to.family()));
  if (connect(made.get(), to.get(), to.size) != 0) {
    if (errno != EINPROGRESS) return std::unexpected(system_error(errno, "cannot connect"));
    TRY(ready, wait_for(made.get(), POLLOUT, clock, until));
    static_cast<void>(ready);
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return std::unexpected(system_error(error, "cannot connect"));
  const int at_once = 1;
  setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  return made;
}

}  // namespace

Result<Descriptor> connected_to_host(const std::string& host, int port, const Clock& clock,
                                     const Until& until) {
  TRY(all, addresses_of(host, port, clock, until));
  Result<Descriptor> line = fail(ErrorCode::not_found, "no address");
  for (const auto& one : all) {
    line = connected(one, clock, until);
    if (line || until.stop.requested()) break;
  }
  return line;
}

Result<Descriptor> connected_to_path(const std::string& path, const Clock& clock,
                                     const Until& until) {
  constexpr Duration kAgain = std::chrono::milliseconds(10);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid, "the path of a socket is too long: " + path);
  }
  std::ranges::copy(path, address.sun_path);
  TRY(made, socket_of(AF_UNIX));
  // Where nobody accepts any more, the kernel says so at once and lets nobody wait.
  while (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EAGAIN) return std::unexpected(system_error(errno, "cannot connect to " + path));
    TRY_OK(clock.pause(kAgain, until));
  }
  return made;
}

}  // namespace gameday
