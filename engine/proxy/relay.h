// The traffic side of a proxy: accepts clients and keeps their streams going.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/proxy/address.h"
#include "engine/proxy/poller.h"
#include "engine/proxy/stream.h"
#include "engine/proxy/toxics.h"
#include "engine/sys/clock.h"

namespace gameday {

class Relay {
 public:
  // conflict: somebody else listens on that address.
  [[nodiscard]] static Result<Relay> listen(const std::string& address, const std::string& to,
                                            const Clock& clock);

  void start(Poller& poller);
  void accept_clients(Poller& poller);
  void advance(std::uint64_t number, Role side, Poller& poller);
  // The passage that holds from now on, for all streams.
  void set_passage(const Passage& passage, Poller& poller);
  // The next connection from that address is joined to `to` instead of upstream, if it comes soon:
  // somebody tries the link who wants to be at both of its ends. Counts as no traffic.
  [[nodiscard]] Status divert(const std::string& from, const std::string& to);
  // Does what is due by now, for streams and for the listener; when to come back for more.
  [[nodiscard]] std::optional<Instant> resume(Instant now, Poller& poller);

  [[nodiscard]] std::string address() const { return bound_address(listener_.get()); }
  void describe(Json& status) const;

 private:
  struct Detour {
    std::string from;
    SocketAddress to;
    Instant end;
  };

  Relay(Descriptor listener, SocketAddress upstream, const Clock& clock)
      : clock_(clock), listener_(std::move(listener)), upstream_(upstream) {}

  [[nodiscard]] Course course(Poller& poller);
  void take(Descriptor client, Poller& poller);
  [[nodiscard]] std::optional<SocketAddress> detour_of(int client);
  void note_wake(Stream& stream);

  const Clock& clock_;
  Descriptor listener_;
  Watched watched_;
  SocketAddress upstream_;
  Passage passage_;
  Pace up_, down_;
  Traffic traffic_, tried_;
  std::vector<Detour> detours_;
  std::optional<Instant> paused_until_;
  std::unordered_map<std::uint64_t, Stream> streams_;
  std::set<std::pair<Instant, std::uint64_t>> wakes_;  // of streams that wait for a time
  std::uint64_t next_ = 1;
};

}  // namespace gameday
