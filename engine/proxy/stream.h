// One client's connection, its connection to upstream, and the bytes between them. Holds back what
// a passage does not let through by not reading it, so that it is delivered later and in order.
#pragma once

#include <cstdint>
#include <string>

#include "engine/proxy/address.h"
#include "engine/proxy/poller.h"
#include "engine/proxy/toxics.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct Traffic {
  std::uint64_t accepted = 0;
  std::uint64_t upstream_connects = 0;  // that upstream answered
  std::uint64_t upstream_failures = 0;
  std::uint64_t bytes_up = 0;  // passed on from clients to upstream
  std::uint64_t bytes_down = 0;
};

class Stream {
 public:
  enum class State { waiting, connecting, joined, over };

  Stream(Descriptor client, std::uint64_t number) : number_(number), client_(std::move(client)) {}

  // Goes as far as the passage and the sockets let it; afterwards waits for what is lacking.
  void advance(const Passage& passage, const SocketAddress& upstream, Traffic& traffic,
               Poller& poller);
  // A client that is not joined yet has closed its side or broken off.
  void client_gave_up();

  [[nodiscard]] State state() const { return state_; }

 private:
  // One direction: what was read and not yet sent, at most kMostHeld bytes.
  struct Flow {
    std::string held;
    bool ended = false;  // the sender has closed its side
    bool shut = false;   // and the receiver was told
    [[nodiscard]] bool done() const { return shut; }
  };

  void join(const SocketAddress& upstream, Traffic& traffic);
  void finish_connecting(Traffic& traffic);
  void pump(Flow& flow, int from, int to, std::size_t most, std::uint64_t& counted);
  void wait_for_more(const Passage& passage, Poller& poller);
  void end(bool broken);

  State state_ = State::waiting;
  std::uint64_t number_;
  Descriptor client_, upstream_;
  Watched client_watched_, upstream_watched_;
  Flow up_, down_;
};

}  // namespace gameday
