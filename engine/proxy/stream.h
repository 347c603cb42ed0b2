// One client's connection, its connection to upstream, and the bytes between them. Holds back what
// a closed passage does not let through by not reading it, so that it is delivered later and in
// order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/proxy/address.h"
#include "engine/proxy/flow.h"
#include "engine/proxy/poller.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct Traffic {
  std::uint64_t accepted = 0;
  std::uint64_t upstream_connects = 0;  // that upstream answered
  std::uint64_t upstream_failures = 0;
  std::uint64_t bytes_up = 0;  // passed on from clients to upstream
  std::uint64_t bytes_down = 0;
};

// What holds for all streams of a link at this moment.
struct Course {
  const Passage& passage;
  Instant now;       // read only where the passage asks for it
  std::size_t room;  // bytes that a direction may hold
  Pace& up;
  Pace& down;
  Poller& poller;
};

class Stream {
 public:
  enum class State { waiting, connecting, joined, over };

  // `upstream` and `traffic` outlive it.
  Stream(Descriptor client, std::uint64_t number, Instant born, const SocketAddress& upstream,
         Traffic& traffic);

  // Goes as far as the passage and the sockets let it; afterwards waits for what is lacking.
  void advance(const Course& course);
  // A client that is not joined yet has closed its side or broken off.
  void client_gave_up();
  // The passage is another one: turns that were booked no longer hold.
  void rebook();
  // It is joined to this address, and not to upstream.
  void divert(const SocketAddress& to) { diverted_ = std::make_unique<SocketAddress>(to); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  // When to advance it, whatever the sockets do; and what its owner has noted of that.
  [[nodiscard]] std::optional<Instant> wake() const { return wake_; }
  std::optional<Instant> noted_wake;

 private:
  [[nodiscard]] bool may_join(const Course& course);
  void join();
  void finish_connecting();
  void pass(const Course& course);
  void wait_for_more(const Course& course);
  void end(bool broken);

  State state_ = State::waiting;
  std::uint64_t number_;
  Instant born_;
  Descriptor client_, upstream_;
  Watched client_watched_, upstream_watched_;
  Flow up_, down_;
  std::optional<Instant> wake_;
  double draw_;  // the joining's share of a jitter
  const SocketAddress* leads_to_;
  std::unique_ptr<SocketAddress> diverted_;
  Traffic* traffic_;
};

}  // namespace gameday
