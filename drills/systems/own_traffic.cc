#include "drills/systems/own_traffic.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/proxy/address.h"

namespace gameday {
namespace {

constexpr std::int64_t kDiscard = 9;

Json to_json(const TrafficEnd& end) {
  return Json::object(
      {{"netns", gameday::to_json(end.netns)}, {"address", end.address}, {"port", end.port}});
}

Result<TrafficEnd> end_from(const Json& value) {
  TRY(netns, netns_from(value.get("netns")));
  return TrafficEnd{std::move(netns), value.text("address"), value.integer("port", 0)};
}

Result<SocketAddress> address_of(const std::string& address, std::int64_t port) {
  const bool six = address.contains(':');
  return resolve_address((six ? "[" + address + "]" : address) + ":" + std::to_string(port));
}

// Empty: there is no such end now.
Result<Descriptor> socket_at(const TrafficEnd& end, int type, const DeedContext& context) {
  TRY(entrance, entrance_to(end.netns, context.doors));
  if (!entrance) return Descriptor();
  TRY(where, address_of(end.address, end.port));
  auto made = socket_inside(*entrance, where.family(), type);
  if (!made || bind(made->get(), where.get(), where.size) != 0) return Descriptor();
  return std::move(*made);
}

Result<SocketAddress> address_of(const Descriptor& socket) {
  return resolve_address(bound_address(socket.get()));
}

// Few enough at once that they fit into the buffer of whoever takes them.
class Shower {
 public:
  Shower(const Descriptor& from, const Descriptor& to, const SocketAddress& where,
         const DeedContext& context)
      : from_(from), to_(to), where_(where), context_(context) {}

  // False: no way leads there.
  Result<bool> send(std::int64_t count) {
    constexpr std::int64_t kAtOnce = 50;
    constexpr Duration kArrivesWithin = std::chrono::milliseconds(1);
    while (burst_.sent < count) {
      if (!send_some(std::min(count - burst_.sent, kAtOnce))) return false;
      take();
      if (complete()) continue;
      TRY_OK(context_.doors.clock.pause(kArrivesWithin, context_.until));
      take();
    }
    TRY_OK(wait_for_the_last());
    return true;
  }
  [[nodiscard]] const Burst& burst() const { return burst_; }

 private:
  bool send_some(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const bool left =
          sendto(from_.get(), "gameday", 7, MSG_NOSIGNAL, where_.get(), where_.size) >= 0;
      if (!left && (errno == EAGAIN || errno == ENOBUFS)) return true;
      if (!left && errno != EPERM) return false;
      ++burst_.sent;
      burst_.refused += left ? 0 : 1;
      burst_.arrived += left && !to_ ? 1 : 0;
    }
    return true;
  }
  void take() {
    std::array<char, 16> bytes{};
    while (to_ && recv(to_.get(), bytes.data(), bytes.size(), 0) >= 0) ++burst_.arrived;
  }
  [[nodiscard]] bool complete() const { return burst_.arrived + burst_.refused == burst_.sent; }
  Status wait_for_the_last() {
    constexpr Duration kMost = std::chrono::milliseconds(100), kLook = std::chrono::milliseconds(5);
    const Clock& clock = context_.doors.clock;
    const Instant last = clock.in(kMost);
    while (!complete() && clock.now().boot < last) {
      TRY_OK(clock.pause(kLook, context_.until));
      take();
    }
    return {};
  }

  const Descriptor &from_, &to_;
  const SocketAddress& where_;
  const DeedContext& context_;
  Burst burst_;
};

// Nothing: no packet was sent, as no way leads there.
std::optional<Joined> meaning_of(int error) {
  switch (error) {
    case 0: return Joined::yes;
    case ECONNREFUSED:
    case ECONNRESET: return Joined::reset;
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL: return std::nullopt;
    default: return Joined::silent;
  }
}

Result<std::optional<Joined>> join(const Descriptor& from, const SocketAddress& where,
                                   const DeedContext& context) {
  constexpr Duration kAnswersWithin = std::chrono::seconds(1);
  if (connect(from.get(), where.get(), where.size) == 0) return Joined::yes;
  if (errno != EINPROGRESS) return meaning_of(errno);
  const Clock& clock = context.doors.clock;
  const Until until{context.until.stop, std::min(context.until.deadline, clock.in(kAnswersWithin))};
  const auto ready = wait_for(from.get(), POLLOUT, clock, until);
  if (!ready && ready.error().code == ErrorCode::timed_out) return Joined::silent;
  if (!ready) return std::unexpected(ready.error());
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(from.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return meaning_of(error);
}

struct Ends {
  Descriptor from, to;  // empty where it is not there, or nobody takes what comes
  SocketAddress where;
  [[nodiscard]] bool there(bool taken) const { return from && (to || !taken); }
};

Result<Ends> ends_of(const Flow& flow, int type, const DeedContext& context) {
  Ends ends;
  TRY(from, socket_at(flow.from, type, context));
  ends.from = std::move(from);
  if (!flow.taken) {
    TRY(where, address_of(flow.to.address, flow.to.port != 0 ? flow.to.port : kDiscard));
    ends.where = where;
    return ends;
  }
  TRY(to, socket_at(flow.to, type, context));
  ends.to = std::move(to);
  if (!ends.to) return ends;
  TRY(where, address_of(ends.to));
  ends.where = where;
  return ends;
}

// How long one datagram takes from one end to the other.
Result<std::optional<Duration>> took(const Descriptor& from, const Descriptor& to, Duration within,
                                     const DeedContext& context) {
  const Clock& clock = context.doors.clock;
  const Instant begun = clock.now().boot;
  if (send(from.get(), "gameday", 7, MSG_NOSIGNAL) < 0) return std::nullopt;
  const Until until{context.until.stop, std::min(context.until.deadline, clock.in(within))};
  const auto ready = wait_for(to.get(), POLLIN, clock, until);
  if (!ready && ready.error().code == ErrorCode::timed_out) return std::nullopt;
  if (!ready) return std::unexpected(ready.error());
  const Duration took = clock.now().boot - begun;
  std::array<char, 16> bytes{};
  if (recv(to.get(), bytes.data(), bytes.size(), 0) < 0) return std::nullopt;
  return took;
}

}  // namespace

Json to_json(const Flow& flow) {
  return Json::object({{"way", flow.way},
                       {"family", name_of(flow.family)},
                       {"from", to_json(flow.from)},
                       {"to", to_json(flow.to)},
                       {"taken", flow.taken}});
}

Result<Flow> flow_from(const Json& value) {
  TRY(from, end_from(value.get("from")));
  TRY(to, end_from(value.get("to")));
  const bool four = value.text("family") == name_of(Family::v4);
  return Flow{value.text("way"), four ? Family::v4 : Family::v6, std::move(from), std::move(to),
              value.boolean("taken", true)};
}

Result<std::optional<Burst>> send_burst(const Flow& flow, std::int64_t count,
                                        const DeedContext& context) {
  TRY(ends, ends_of(flow, SOCK_DGRAM, context));
  if (!ends.there(flow.taken)) return std::optional<Burst>();
  TRY(here, address_of(ends.from));
  // What others send there is not counted.
  if (flow.taken && connect(ends.to.get(), here.get(), here.size) != 0) {
    return std::optional<Burst>();
  }
  Shower shower(ends.from, ends.to, ends.where, context);
  TRY(sent, shower.send(count));
  return sent ? std::optional(shower.burst()) : std::nullopt;
}

Result<std::optional<RoundTrip>> send_there_and_back(const Flow& flow, Duration within,
                                                     const DeedContext& context) {
  TRY(ends, ends_of(flow, SOCK_DGRAM, context));
  if (!ends.from || !ends.to) return std::nullopt;
  TRY(here, address_of(ends.from));
  // What others send to either is not counted.
  if (connect(ends.to.get(), here.get(), here.size) != 0) return std::nullopt;
  if (connect(ends.from.get(), ends.where.get(), ends.where.size) != 0) return std::nullopt;
  TRY(there, took(ends.from, ends.to, within, context));
  if (!there) return std::nullopt;
  TRY(back, took(ends.to, ends.from, within, context));
  if (!back) return std::nullopt;
  return RoundTrip{*there, *back};
}

Result<std::optional<Joined>> try_to_join(const Flow& flow, const DeedContext& context) {
  TRY(ends, ends_of(flow, SOCK_STREAM, context));
  if (!ends.there(flow.taken)) return std::optional<Joined>();
  if (flow.taken && listen(ends.to.get(), 1) != 0) return std::optional<Joined>();
  return join(ends.from, ends.where, context);
}

}  // namespace gameday
