// To where the connections of a load are made: to an address, or to what a name says now. Nobody
// waits here; whoever cannot go on yet is told of when it can.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "engine/load/connection.h"
#include "engine/load/http_request.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

// What a name said last holds for so long: after that, whoever connects has it looked up again.
constexpr Duration kNameHolds = std::chrono::seconds(1);

// Of one thread.
class Dialing {
 public:
  // `wake`, an eventfd(2), is written to when a name is known.
  Dialing(const PlainHttp& to, const Clock& clock, std::shared_ptr<const Descriptor> wake);
  ~Dialing();
  Dialing(const Dialing&) = delete;
  Dialing& operator=(const Dialing&) = delete;

  enum class Way {
    goes,   // its socket is being connected
    waits,  // for its name, or for a port or descriptor of ours: `each_ready` tells of it
    fails,  // `problem` tells why; another address may do, if `has_another`
  };
  // Begins with the address that `connection` is to try now.
  [[nodiscard]] Way begin(Connection& connection);
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] static bool has_another(const Connection& connection);
  // It is connected: its address is the first to be tried from now on.
  void reached(Connection& connection);

  // Those that may begin now, and those of which another address is to be tried, since this one has
  // had its share of the time; unless they do something else by now, and are not `still` the same.
  struct Due {
    std::uint32_t number = 0;  // of the connection
    std::uint64_t dial = 0;
    [[nodiscard]] bool still(const Connection& connection) const {
      return connection.stage == Connection::Stage::connecting && connection.dial == dial;
    }
  };
  using Each = std::function<void(const Due&)>;
  void each_ready(Instant now, const Each& begins, const Each& tries_another);
  [[nodiscard]] Instant next_look() const;
  [[nodiscard]] bool waits_for_a_name() const { return !waiting_.empty(); }

 private:
  struct LookUp;
  struct Share {
    Instant until;
    Due due;
    bool operator>(const Share& other) const { return until > other.until; }
  };
  [[nodiscard]] bool knows(Instant now);
  void look_up(Instant now);
  void hear(Instant now);
  [[nodiscard]] Way connect_it(Connection& connection, Instant now);
  [[nodiscard]] int connects(Connection& connection, const SocketAddress& to);
  [[nodiscard]] bool another_source(const SocketAddress& to);
  [[nodiscard]] Way failed(Connection& connection, int error, Instant now);
  void give_share(const Connection& connection, Instant now);

  const Clock& clock_;
  const std::string host_;
  const int port_;
  const bool by_name_;
  const std::shared_ptr<const Descriptor> wake_;
  std::shared_ptr<const Addresses> known_;  // null: none, and `unknown_` tells why
  std::string unknown_;
  std::optional<Instant> known_at_, asked_at_;
  std::string problem_;
  std::vector<std::shared_ptr<LookUp>> asked_;
  std::uint64_t dials_ = 0;
  // Where ports have run out: from where else that address is reached, and from which of them
  // connections are made now; 0: from what the kernel takes by itself.
  SocketAddress sources_for_;
  Addresses sources_;
  std::size_t source_ = 0;
  std::size_t without_port_ = 0;      // so many of them in a row had none
  std::vector<Due> waiting_;          // for the name
  std::deque<Due> starving_;          // for a port or the like, the first one first
  Instant feed_at_ = Instant::max();  // when these may try again
  // Of those that have another address, the next one first.
  std::priority_queue<Share, std::vector<Share>, std::greater<>> shares_;
};

[[nodiscard]] std::string why_not_connected(int error);  // an errno value

}  // namespace gameday
