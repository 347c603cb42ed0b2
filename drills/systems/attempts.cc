#include "drills/systems/attempts.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "drills/systems/netns.h"
#include "engine/proxy/address.h"

namespace gameday {
namespace {

// Where no port is named any will do: a refusal answers too.
constexpr std::int64_t kDiscard = 9;

Result<SocketAddress> address_of(const Somebody& somebody, std::int64_t port) {
  const bool six = somebody.family == Family::v6;
  return resolve_address((six ? "[" + somebody.address + "]" : somebody.address) + ":" +
                         std::to_string(port));
}

Reached meaning_of(int error) {
  switch (error) {
    case 0:
    case ECONNREFUSED:
    case ECONNRESET: return Reached::yes;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL: return Reached::no_way;
    default: return Reached::nothing;
  }
}

struct Attempt {
  Descriptor socket;
  Reached reached = Reached::nothing;
  [[nodiscard]] bool under_way() const { return static_cast<bool>(socket); }
  void end(int error) {
    reached = meaning_of(error);
    socket.reset();
  }
};

Result<Attempt> begin(const std::string& entrance, const Somebody& somebody,
                      const Packets& packets) {
  TRY(where, address_of(somebody, packets.port != 0 ? packets.port : kDiscard));
  const bool datagram = packets.protocol == "udp";
  Attempt attempt;
  auto made = socket_inside(entrance, where.family(), datagram ? SOCK_DGRAM : SOCK_STREAM);
  if (!made && somebody.family == Family::v6) {
    attempt.reached = Reached::no_way;  // a kernel without IPv6
    return attempt;
  }
  if (!made) return std::unexpected(made.error());
  attempt.socket = std::move(*made);
  const int number = attempt.socket.get();
  if (datagram) {
    attempt.end(sendto(number, "", 0, MSG_NOSIGNAL, where.get(), where.size) < 0 ? errno : 0);
  } else if (connect(number, where.get(), where.size) == 0) {
    attempt.end(0);
  } else if (errno != EINPROGRESS) {
    attempt.end(errno);
  }
  return attempt;
}

void finish(Attempt& attempt) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(attempt.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  attempt.end(error);
}

}  // namespace

std::string_view name_of(Reached reached) {
  switch (reached) {
    case Reached::yes: return "answers";
    case Reached::nothing: return "does not answer";
    case Reached::no_way: return "has no way that leads there";
  }
  return "";
}

Result<std::vector<Reached>> try_each(const std::string& entrance,
                                      const std::vector<Somebody>& people, const Packets& packets,
                                      Duration within, const DeedContext& context) {
  std::vector<Attempt> attempts;
  for (const auto& somebody : people) {
    TRY(attempt, begin(entrance, somebody, packets));
    attempts.push_back(std::move(attempt));
  }
  const Clock& clock = context.doors.clock;
  const Until until{context.until.stop,
                    std::min(context.until.deadline, clock.now().boot + within)};
  for (auto& attempt : attempts) {
    if (!attempt.under_way()) continue;
    const auto ready = wait_for(attempt.socket.get(), POLLOUT, clock, until);
    if (ready) {
      finish(attempt);
    } else if (ready.error().code == ErrorCode::stopped) {
      return std::unexpected(ready.error());
    }
  }
  std::vector<Reached> reached;
  for (const auto& attempt : attempts) reached.push_back(attempt.reached);
  return reached;
}

bool is_own(const std::string& entrance, const Somebody& somebody) {
  const auto where = address_of(somebody, 0);
  if (!where) return false;
  const auto made = socket_inside(entrance, where->family(), SOCK_DGRAM);
  return made && bind(made->get(), where->get(), where->size) == 0;
}

}  // namespace gameday
