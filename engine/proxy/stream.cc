#include "engine/proxy/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

namespace gameday {
namespace {

void send_at_once(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// What is closed after this is reset, not ended in order.
void make_close_a_reset(const Descriptor& descriptor) {
  const linger at_once{1, 0};
  if (descriptor) setsockopt(descriptor.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

// Numbers are given in order, so that from one run to the next the same stream draws the same.
Stream::Stream(Descriptor client, std::uint64_t number, Instant born, const SocketAddress& upstream,
               Traffic& traffic)
    : number_(number),
      born_(born),
      client_(std::move(client)),
      up_(3 * number),
      down_(3 * number + 1),
      draw_(Random(3 * number + 2).unit()),
      leads_to_(&upstream),
      traffic_(&traffic) {}

void Stream::advance(const Course& course) {
  wake_.reset();
  const Passage& passage = course.passage;
  if (passage.life) {
    if (course.now - born_ >= *passage.life) return end(true);
    wake_ = born_ + *passage.life;
  }
  if (state_ == State::waiting && may_join(course)) join();
  if (state_ == State::connecting) finish_connecting();
  if (state_ == State::joined && passage.open) pass(course);
  if (state_ != State::over) wait_for_more(course);
}

bool Stream::may_join(const Course& course) {
  const Shape& up = course.passage.up;
  if (!course.passage.open || !up.delays()) return course.passage.open;
  // The first packet of a connection comes again after a second (RFC 6298).
  constexpr Duration kAsksAgain = std::chrono::seconds(1);
  const Duration again = draw_ < up.loss ? kAsksAgain : Duration{};
  const Instant due = born_ + up.latency + from_seconds(seconds(up.jitter) * draw_) + again;
  if (due > course.now) wake_ = earlier(wake_, due);
  return due <= course.now;
}

void Stream::pass(const Course& course) {
  const Passage& passage = course.passage;
  up_.advance(client_.get(), upstream_.get(), {passage.up, course.room, course.now, course.up},
              traffic_->bytes_up);
  if (up_.lost()) down_.sender_broke();
  down_.advance(upstream_.get(), client_.get(),
                {passage.down, course.room, course.now, course.down}, traffic_->bytes_down);
  if (down_.lost()) up_.sender_broke();
  // What one side sent before it broke off has reached the other.
  if (up_.broken() || down_.broken()) return end(true);
  if (up_.ended() && down_.ended()) return end(up_.lost() || down_.lost());
  wake_ = earlier(wake_, earlier(up_.wake(), down_.wake()));
}

void Stream::rebook() {
  up_.rebook();
  down_.rebook();
}

// A half-closed client that still wants an answer cannot be told from one that has left. Before it
// is joined it counts as having left: on a cut network it would never have been connected, and
// what it sent must not reach upstream after it has given up.
void Stream::client_gave_up() {
  if (state_ == State::waiting) end(true);
}

void Stream::join() {
  const SocketAddress& upstream = diverted_ ? *diverted_ : *leads_to_;
  upstream_ = Descriptor(socket(upstream.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!upstream_) {
    ++traffic_->upstream_failures;
    return end(true);
  }
  send_at_once(client_.get());
  send_at_once(upstream_.get());
  state_ = State::connecting;
  if (connect(upstream_.get(), upstream.get(), upstream.size) != 0 && errno != EINPROGRESS) {
    ++traffic_->upstream_failures;
    end(true);
  }
}

void Stream::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(upstream_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    ++traffic_->upstream_failures;
    return end(true);
  }
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (getpeername(upstream_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return;
  ++traffic_->upstream_connects;
  state_ = State::joined;
}

void Stream::wait_for_more(const Course& course) {
  std::uint32_t client = 0;
  std::uint32_t upstream = 0;
  // A client that leaves while its joining is only delayed has sent what is to arrive.
  if (state_ == State::waiting && !course.passage.open) client = EPOLLRDHUP;
  if (state_ == State::connecting) upstream = EPOLLOUT;
  if (state_ == State::joined && course.passage.open) {
    if (up_.wants_to_write()) upstream |= EPOLLOUT;
    if (up_.wants_to_read()) client |= EPOLLIN;
    if (down_.wants_to_write()) client |= EPOLLOUT;
    if (down_.wants_to_read()) upstream |= EPOLLIN;
  }
  course.poller.watch(client_.get(), client_watched_, client, Role::client, number_);
  if (upstream_) {
    course.poller.watch(upstream_.get(), upstream_watched_, upstream, Role::upstream, number_);
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
  wake_.reset();
  state_ = State::over;
}

}  // namespace gameday
