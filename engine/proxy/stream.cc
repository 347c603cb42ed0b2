#include "engine/proxy/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

namespace gameday {
namespace {

constexpr std::size_t kMostHeld = 64 << 10;
constexpr int kMostRounds = 16;  // before others get their turn

void send_at_once(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// What is closed after this is reset, not ended in order.
void make_close_a_reset(const Descriptor& descriptor) {
  const linger at_once{1, 0};
  if (descriptor) setsockopt(descriptor.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

void Stream::advance(const Passage& passage, const SocketAddress& upstream, Traffic& traffic,
                     Poller& poller) {
  if (state_ == State::waiting && passage.joins) join(upstream, traffic);
  if (state_ == State::connecting) finish_connecting(traffic);
  if (state_ == State::joined && !passage.closed()) {
    pump(up_, client_.get(), upstream_.get(), passage.bytes, traffic.bytes_up);
    if (state_ == State::joined) {
      pump(down_, upstream_.get(), client_.get(), passage.bytes, traffic.bytes_down);
    }
    if (state_ == State::joined && up_.done() && down_.done()) end(false);
  }
  if (state_ != State::over) wait_for_more(passage, poller);
}

// A half-closed client that still wants an answer cannot be told from one that has left. Before it
// is joined it counts as having left: on a cut network it would never have been connected, and
// what it sent must not reach upstream after it has given up.
void Stream::client_gave_up() {
  if (state_ == State::waiting) end(true);
}

void Stream::join(const SocketAddress& upstream, Traffic& traffic) {
  upstream_ = Descriptor(socket(upstream.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!upstream_) {
    ++traffic.upstream_failures;
    return end(true);
  }
  send_at_once(client_.get());
  send_at_once(upstream_.get());
  state_ = State::connecting;
  if (connect(upstream_.get(), upstream.get(), upstream.size) != 0 && errno != EINPROGRESS) {
    ++traffic.upstream_failures;
    end(true);
  }
}

void Stream::finish_connecting(Traffic& traffic) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(upstream_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    ++traffic.upstream_failures;
    return end(true);
  }
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (getpeername(upstream_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return;
  ++traffic.upstream_connects;
  state_ = State::joined;
}

void Stream::pump(Flow& flow, int from, int to, std::size_t most, std::uint64_t& counted) {
  for (int round = 0; round < kMostRounds && most > 0; ++round) {
    char block[kMostHeld];
    std::string_view bytes = flow.held;
    if (bytes.empty() && !flow.ended) {
      const ssize_t got = recv(from, block, std::min(most, sizeof block), 0);
      if (got < 0 && would_wait(errno)) return;
      if (got < 0) return end(true);
      flow.ended = got == 0;
      bytes = std::string_view(block, static_cast<std::size_t>(got));
    }
    if (bytes.empty()) {
      if (!flow.shut) shutdown(to, SHUT_WR);
      flow.shut = true;
      return;
    }
    const ssize_t sent = send(to, bytes.data(), std::min(most, bytes.size()), MSG_NOSIGNAL);
    if (sent < 0 && !would_wait(errno)) return end(true);
    const std::size_t passed = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    counted += passed;
    most -= passed;
    // A new string, so that an idle stream holds no memory.
    flow.held = std::string(bytes.substr(passed));
    if (!flow.held.empty()) return;
  }
}

void Stream::wait_for_more(const Passage& passage, Poller& poller) {
  std::uint32_t client = 0;
  std::uint32_t upstream = 0;
  if (state_ == State::waiting) client = EPOLLRDHUP;
  if (state_ == State::connecting) upstream = EPOLLOUT;
  if (state_ == State::joined && !passage.closed()) {
    if (!up_.held.empty()) upstream |= EPOLLOUT;
    if (up_.held.empty() && !up_.ended) client |= EPOLLIN;
    if (!down_.held.empty()) client |= EPOLLOUT;
    if (down_.held.empty() && !down_.ended) upstream |= EPOLLIN;
  }
  poller.watch(client_.get(), client_watched_, client, Role::client, number_);
  if (upstream_) {
    poller.watch(upstream_.get(), upstream_watched_, upstream, Role::upstream, number_);
  }
}

// When one side breaks off, the other is to see that too, and not an orderly end.
void Stream::end(bool broken) {
  if (broken) {
    make_close_a_reset(client_);
    make_close_a_reset(upstream_);
  }
  client_.reset();
  upstream_.reset();
  state_ = State::over;
}

}  // namespace gameday
