#include "drills/systems/link_trial.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <future>

#include "engine/proxy/address.h"

namespace gameday {
namespace {

Result<Descriptor> bound_to(const SocketAddress& address) {
  Descriptor made(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return std::unexpected(system_error(errno, "cannot make a socket"));
  if (bind(made.get(), address.get(), address.size) != 0) {
    return std::unexpected(system_error(errno, "cannot bind a socket"));
  }
  return made;
}

// A free port of the address that the link listens on: from there it can be reached. Whoever
// listens on all addresses is reached on the loopback.
Result<SocketAddress> beside(const std::string& listen) {
  TRY(parts, parse_host_port(listen));
  std::string host = parts.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  const bool six = host.find(':') != std::string::npos;
  return resolve_address((six ? "[" + host + "]" : host) + ":0");
}

Status connect_from(const Descriptor& socket, const std::string& to, const DeedContext& context) {
  TRY(where, resolve_address(to));
  if (connect(socket.get(), where.get(), where.size) == 0) return {};
  if (errno != EINPROGRESS) {
    return std::unexpected(system_error(errno, "cannot connect to " + to));
  }
  TRY(ready, wait_for(socket.get(), POLLOUT, context.doors.clock, context.until));
  static_cast<void>(ready);
  return {};
}

// Sends as far as it fits, receives, and sends on.
Result<Passing> pass(int from, int to, std::size_t bytes, const Until& until, const Clock& clock) {
  const std::string block(64 << 10, 'x');
  std::string got(64 << 10, '\0');
  const Instant begun = clock.now().boot;
  Passing passing;
  std::size_t sent = 0;
  while (passing.bytes < bytes) {
    const std::size_t more = std::min(block.size(), bytes - sent);
    const ssize_t once = more > 0 ? send(from, block.data(), more, MSG_NOSIGNAL) : 0;
    if (once > 0) sent += static_cast<std::size_t>(once);
    if (once > 0 && sent < bytes) continue;
    const auto ready = wait_for(to, POLLIN, clock, until);
    passing.last = clock.now().boot - begun;
    if (passing.bytes == 0) passing.first = passing.last;
    if (!ready && ready.error().code == ErrorCode::timed_out) break;
    if (!ready) return std::unexpected(ready.error());
    const ssize_t read = recv(to, got.data(), got.size(), 0);
    if (read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR)) {
      return fail(ErrorCode::failed, "a connection of ours was broken off");
    }
    const auto count = static_cast<std::size_t>(std::max<ssize_t>(read, 0));
    if (passing.bytes == 0) passing.first_read = count;
    passing.largest_read = std::max(passing.largest_read, count);
    passing.bytes += count;
  }
  return passing;
}

Json to_json(const Passing& passing) {
  return Json::object({{"first_s", seconds(passing.first)},
                       {"last_s", seconds(passing.last)},
                       {"bytes", passing.bytes},
                       {"first_read", passing.first_read},
                       {"largest_read", passing.largest_read}});
}

Passing passing_from(const Json& value) {
  const auto count = [&](const char* name) {
    return static_cast<std::size_t>(std::max<std::int64_t>(value.integer(name, 0), 0));
  };
  return {from_seconds(value.number("first_s", 0)), from_seconds(value.number("last_s", 0)),
          count("first_read"), count("largest_read"), count("bytes")};
}

}  // namespace

double Passing::rate() const {
  return last > first ? static_cast<double>(bytes - first_read) / seconds(last - first) : 0;
}

Json to_json(const Crossing& crossing) {
  return Json::object({{"joined_s", seconds(crossing.joined)},
                       {"up", to_json(crossing.up)},
                       {"down", to_json(crossing.down)}});
}

Crossing crossing_from(const Json& value) {
  return {from_seconds(value.number("joined_s", 0)), passing_from(value.get("up")),
          passing_from(value.get("down"))};
}

Result<Trial> try_link(const LinkInForce& link, const DeedContext& context) {
  constexpr int kOne = 1;
  Trial trial;
  TRY(here, beside(link.listen));
  TRY(near, bound_to(here));
  TRY(loopback, resolve_address("127.0.0.1:0"));
  TRY(listener, bound_to(loopback));
  if (listen(listener.get(), kOne) != 0) {
    return std::unexpected(system_error(errno, "cannot listen"));
  }
  const Json detour = Json::object({{"op", "divert"},
                                    {"from", bound_address(near.get())},
                                    {"to", bound_address(listener.get())}});
  TRY(answer, ask_link(link, detour, context));
  trial.begun = context.doors.clock.now().boot;
  TRY_OK(connect_from(near, link.listen, context));
  trial.near = std::move(near);
  trial.listener = std::move(listener);
  return trial;
}

Result<Joined> join_through(const LinkInForce& link, const DeedContext& context) {
  const Clock& clock = context.doors.clock;
  TRY(trial, try_link(link, context));
  TRY(came, wait_for(trial.listener.get(), POLLIN, clock, context.until));
  static_cast<void>(came);
  Descriptor far(accept4(trial.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!far) return std::unexpected(system_error(errno, "cannot accept"));
  return Joined{std::move(trial.near), std::move(far), clock.now().boot - trial.begun};
}

bool send_byte(int end) { return send(end, "x", 1, MSG_NOSIGNAL) == 1; }

Status receive_byte(int end, const DeedContext& context) {
  while (true) {
    TRY(ready, wait_for(end, POLLIN, context.doors.clock, context.until));
    static_cast<void>(ready);
    char byte = 0;
    const ssize_t got = recv(end, &byte, 1, 0);
    if (got == 1) return {};
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return fail(ErrorCode::failed, "a connection of ours was broken off");
    }
  }
}

Result<Crossing> cross(const LinkInForce& link, std::size_t bytes, const DeedContext& context) {
  const Clock& clock = context.doors.clock;
  TRY(ends, join_through(link, context));
  Crossing crossing;
  crossing.joined = ends.took;
  auto rising = std::async(std::launch::async, [&] {
    return pass(ends.near.get(), ends.far.get(), bytes, context.until, clock);
  });
  auto falling = pass(ends.far.get(), ends.near.get(), bytes, context.until, clock);
  TRY(up, rising.get());
  TRY(down, std::move(falling));
  crossing.up = up;
  crossing.down = down;
  return crossing;
}

}  // namespace gameday
