#include "engine/proxy/flow.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace gameday {
namespace {

constexpr std::size_t kMostAtOnce = 64 << 10;
constexpr std::size_t kChunkCosts = 128;  // beside its bytes
constexpr int kMostRounds = 16;           // before others get their turn
// How long a rate that was not used is kept for later: what a late timer would lose of it.
constexpr Duration kKept = std::chrono::milliseconds(20);

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Instant Pace::book(std::size_t bytes, double rate, Instant now) {
  const Instant turn = std::max(free_, now - kKept);
  free_ = turn + from_seconds(static_cast<double>(bytes) / rate);
  return turn;
}

std::size_t Pace::most_at_once(double rate) {
  const double even = rate * seconds(kKept);
  return static_cast<std::size_t>(std::clamp(even, 1.0, double{kMostAtOnce}));
}

void Flow::advance(int from, int to, const Terms& terms, std::uint64_t& passed) {
  wake_.reset();
  for (int round = 0; round < kMostRounds && !ended() && !broken_; ++round) {
    const bool more = read(from, to, terms, passed);
    if (more && terms.shape.plain() && !held_.empty()) break;  // the receiver takes no more now
    if (!pass(to, terms, passed) && !more) break;
  }
  reads_ = !ended() && has_room(terms);
}

bool Flow::has_room(const Terms& terms) const {
  if (end_ != End::none) return false;
  return terms.shape.plain() ? held_.empty() : holds_ < terms.room;
}

bool Flow::read(int from, int to, const Terms& terms, std::uint64_t& passed) {
  if (!has_room(terms)) return false;
  char block[kMostAtOnce];
  const ssize_t got = recv(from, block, sizeof block, 0);
  if (got < 0 && would_wait(errno)) return false;
  if (got <= 0) {
    end_ = got < 0 || sender_broke_ ? End::broken : End::in_order;
    end_coming_ = comes(terms);
    return true;
  }
  std::string_view bytes(block, static_cast<std::size_t>(got));
  // Straight from one socket into the other, as long as nothing is in the way.
  if (terms.shape.plain()) bytes.remove_prefix(send(to, bytes, passed));
  if (!bytes.empty() && !lost_) hold(bytes, terms);
  return true;
}

// Passes on the first that may; false where there is nothing that could.
bool Flow::pass(int to, const Terms& terms, std::uint64_t& passed) {
  wake_.reset();
  if (lost_) return false;
  if (held_.empty()) {
    tell_the_end(to, terms);
    return false;
  }
  const Chunk& first = held_.front();
  if (!is_due(first.coming, terms)) return false;
  const std::size_t most = may_pass(first.bytes.size() - first_, terms);
  if (most == 0) return false;
  const std::size_t sent = send(to, std::string_view(first.bytes).substr(first_, most), passed);
  if (sent == 0) return false;
  if (terms.shape.piece > 0) next_piece_ = terms.now + terms.shape.pause;
  booked_ -= std::min(booked_, sent);
  drop_first(sent);
  return true;
}

std::size_t Flow::send(int to, std::string_view bytes, std::uint64_t& passed) {
  const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    lost_ = !would_wait(errno);
    if (lost_) drop_all();
    return 0;
  }
  passed += static_cast<std::size_t>(sent);
  return static_cast<std::size_t>(sent);
}

// Of the first bytes so many may go now. None: `wake_` says when.
std::size_t Flow::may_pass(std::size_t size, const Terms& terms) {
  const Shape& shape = terms.shape;
  if (shape.piece > 0) {
    size = std::min(size, shape.piece);
    if (next_piece_ > terms.now) {
      wake_ = next_piece_;
      return 0;
    }
  }
  if (shape.rate == 0) return size;
  if (booked_ == 0) {
    booked_ = std::min(size, Pace::most_at_once(shape.rate));
    booked_for_ = terms.pace.book(booked_, shape.rate, terms.now);
  }
  if (booked_for_ > terms.now) {
    wake_ = booked_for_;
    return 0;
  }
  return std::min(size, booked_);
}

bool Flow::is_due(const Coming& coming, const Terms& terms) {
  if (!terms.shape.delays()) return true;
  const Duration jitter = from_seconds(seconds(terms.shape.jitter) * coming.draw);
  const Duration again = terms.shape.loss > 0 ? coming.again : Duration{};
  const Instant due = coming.when + terms.shape.latency + jitter + again;
  if (due <= terms.now) return true;
  wake_ = due;
  return false;
}

Flow::Coming Flow::comes(const Terms& terms) {
  if (terms.shape.plain()) return {};
  Coming coming{terms.now, terms.shape.jitter > Duration{} ? random_.unit() : 0};
  for (int times = 0; times < kMostLosses && terms.shape.loss > 0; ++times) {
    if (random_.unit() >= terms.shape.loss) break;
    coming.again += kComesAgain * (1 << times);
  }
  return coming;
}

void Flow::hold(std::string_view bytes, const Terms& terms) {
  held_.push_back({comes(terms), std::string(bytes)});
  holds_ += bytes.size() + kChunkCosts;
}

void Flow::drop_first(std::size_t bytes) {
  first_ += bytes;
  const std::size_t size = held_.front().bytes.size();
  if (first_ < size) return;
  holds_ -= size + kChunkCosts;
  first_ = 0;
  held_.pop_front();
}

void Flow::drop_all() {
  held_.clear();
  holds_ = 0;
}

void Flow::tell_the_end(int to, const Terms& terms) {
  if (end_ == End::none || told_ || !is_due(end_coming_, terms)) return;
  broken_ = end_ == End::broken;
  if (!broken_) shutdown(to, SHUT_WR);
  told_ = !broken_;
}

}  // namespace gameday
