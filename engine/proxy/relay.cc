#include "engine/proxy/relay.h"

#include <algorithm>
#include <cerrno>

namespace gameday {
namespace {

constexpr std::size_t kMostStreams = 20000;
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);
constexpr Duration kDetourLasts = std::chrono::seconds(2);
constexpr std::size_t kMostDetours = 64;
// What delayed bytes may take, of all streams and of one direction of one: at 100 ms of latency
// 4 MiB are 40 MB/s.
constexpr std::size_t kMemory = 256 << 20;
constexpr std::size_t kMostRoom = 4 << 20;
constexpr std::size_t kLeastRoom = 64 << 10;

}  // namespace

Result<Relay> Relay::listen(const std::string& address, const std::string& to, const Clock& clock) {
  TRY(here, resolve_address(address));
  TRY(upstream, resolve_address(to));
  Descriptor listener(socket(here.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return std::unexpected(system_error(errno, "cannot make a socket"));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.get(), here.get(), here.size) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    if (errno == EADDRINUSE) {
      return fail(ErrorCode::conflict, "another process listens on " + address);
    }
    return std::unexpected(system_error(errno, "cannot listen on " + address));
  }
  return Relay(std::move(listener), upstream, clock);
}

void Relay::start(Poller& poller) {
  poller.watch(listener_.get(), watched_, EPOLLIN, Role::traffic, 0);
}

// The clock is read for those alone whom a toxic concerns.
Course Relay::course(Poller& poller) {
  const Instant now = passage_.plain() ? Instant{} : clock_.now().boot;
  const std::size_t share = kMemory / (2 * streams_.size() + 1);
  const bool delays = passage_.up.delays() || passage_.down.delays();
  const std::size_t room = delays ? std::clamp(share, kLeastRoom, kMostRoom) : kLeastRoom;
  return {passage_, now, room, up_, down_, poller};
}

void Relay::accept_clients(Poller& poller) {
  constexpr int kMostAtOnce = 256;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const bool full = streams_.size() >= kMostStreams;
    Descriptor client(
        full ? -1 : accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) {
      // Without this pause a listener that cannot be served would be reported without end.
      if (full || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        paused_until_ = clock_.now().boot + kAcceptPause;
        poller.watch(listener_.get(), watched_, 0, Role::traffic, 0);
      }
      return;
    }
    take(std::move(client), poller);
  }
}

void Relay::take(Descriptor client, Poller& poller) {
  const auto detour = detour_of(client.get());
  Traffic& traffic = detour ? tried_ : traffic_;
  ++traffic.accepted;
  const std::uint64_t number = next_++;
  Stream made(std::move(client), number, clock_.now().boot, upstream_, traffic);
  if (detour) made.divert(*detour);
  Stream& stream = streams_.emplace(number, std::move(made)).first->second;
  stream.advance(course(poller));
  note_wake(stream);
  if (stream.state() == Stream::State::over) streams_.erase(number);
}

Status Relay::divert(const std::string& from, const std::string& to) {
  TRY(where, resolve_address(to));
  const Instant now = clock_.now().boot;
  std::erase_if(detours_, [&](const Detour& detour) { return detour.end <= now; });
  if (detours_.size() >= kMostDetours) return fail(ErrorCode::refused, "too many detours");
  detours_.push_back({from, where, now + kDetourLasts});
  return {};
}

std::optional<SocketAddress> Relay::detour_of(int client) {
  if (detours_.empty()) return std::nullopt;
  const Instant now = clock_.now().boot;
  std::erase_if(detours_, [&](const Detour& detour) { return detour.end <= now; });
  const auto found = std::ranges::find(detours_, peer_address(client), &Detour::from);
  if (found == detours_.end()) return std::nullopt;
  const SocketAddress to = found->to;
  detours_.erase(found);
  return to;
}

void Relay::advance(std::uint64_t number, Role side, Poller& poller) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (side == Role::client) stream.client_gave_up();
  if (stream.state() != Stream::State::over) stream.advance(course(poller));
  note_wake(stream);
  if (stream.state() == Stream::State::over) streams_.erase(found);
}

void Relay::note_wake(Stream& stream) {
  const auto wake = stream.wake();
  if (wake == stream.noted_wake) return;
  if (stream.noted_wake) wakes_.erase({*stream.noted_wake, stream.number()});
  if (wake) wakes_.emplace(*wake, stream.number());
  stream.noted_wake = wake;
}

void Relay::set_passage(const Passage& passage, Poller& poller) {
  if (passage == passage_) return;
  passage_ = passage;
  up_ = down_ = Pace();
  for (auto& [number, stream] : streams_) {
    stream.rebook();
    stream.advance(course(poller));
    note_wake(stream);
  }
  std::erase_if(streams_,
                [](const auto& entry) { return entry.second.state() == Stream::State::over; });
}

std::optional<Instant> Relay::resume(Instant now, Poller& poller) {
  if (paused_until_ && *paused_until_ <= now) {
    paused_until_.reset();
    start(poller);
  }
  std::vector<std::uint64_t> due;
  for (const auto& [when, number] : wakes_) {
    if (when > now) break;
    due.push_back(number);
  }
  for (const std::uint64_t number : due) advance(number, Role::traffic, poller);
  if (wakes_.empty()) return paused_until_;
  const Instant next = wakes_.begin()->first;
  return paused_until_ ? std::min(next, *paused_until_) : next;
}

void Relay::describe(Json& status) const {
  const auto waiting = std::ranges::count_if(
      streams_, [](const auto& entry) { return entry.second.state() != Stream::State::joined; });
  status.set("connections", streams_.size());
  status.set("waiting", waiting);
  status.set("accepted", traffic_.accepted);
  status.set("upstream_connects", traffic_.upstream_connects);
  status.set("upstream_failures", traffic_.upstream_failures);
  status.set("bytes_up", traffic_.bytes_up);
  status.set("bytes_down", traffic_.bytes_down);
}

}  // namespace gameday
