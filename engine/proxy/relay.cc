#include "engine/proxy/relay.h"

#include <algorithm>
#include <cerrno>

namespace gameday {
namespace {

constexpr std::size_t kMostStreams = 20000;
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);

}  // namespace

Result<Relay> Relay::listen(const std::string& address, const std::string& to) {
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
  return Relay(std::move(listener), upstream);
}

void Relay::start(Poller& poller) {
  poller.watch(listener_.get(), watched_, EPOLLIN, Role::traffic, 0);
}

void Relay::accept_clients(Instant now, Poller& poller) {
  constexpr int kMostAtOnce = 256;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const bool full = streams_.size() >= kMostStreams;
    Descriptor client(
        full ? -1 : accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) {
      // Without this pause a listener that cannot be served would be reported without end.
      if (full || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        paused_until_ = now + kAcceptPause;
        poller.watch(listener_.get(), watched_, 0, Role::traffic, 0);
      }
      return;
    }
    ++traffic_.accepted;
    const std::uint64_t number = next_++;
    Stream& stream = streams_.emplace(number, Stream(std::move(client), number)).first->second;
    stream.advance(passage_, upstream_, traffic_, poller);
    if (stream.state() == Stream::State::over) streams_.erase(number);
  }
}

void Relay::advance(std::uint64_t number, Role side, Poller& poller) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (side == Role::client) stream.client_gave_up();
  if (stream.state() != Stream::State::over) {
    stream.advance(passage_, upstream_, traffic_, poller);
  }
  if (stream.state() == Stream::State::over) streams_.erase(found);
}

void Relay::set_passage(const Passage& passage, Poller& poller) {
  if (passage == passage_) return;
  passage_ = passage;
  for (auto& [number, stream] : streams_) stream.advance(passage_, upstream_, traffic_, poller);
  std::erase_if(streams_,
                [](const auto& entry) { return entry.second.state() == Stream::State::over; });
}

std::optional<Instant> Relay::resume(Instant now, Poller& poller) {
  if (paused_until_ && *paused_until_ <= now) {
    paused_until_.reset();
    start(poller);
  }
  return paused_until_;
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
