// The traffic side of a proxy: accepts clients and keeps their streams going.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/base/json.h"
#include "engine/proxy/address.h"
#include "engine/proxy/poller.h"
#include "engine/proxy/stream.h"
#include "engine/proxy/toxics.h"

namespace gameday {

class Relay {
 public:
  // conflict: somebody else listens on that address.
  [[nodiscard]] static Result<Relay> listen(const std::string& address, const std::string& to);

  void start(Poller& poller);
  void accept_clients(Instant now, Poller& poller);
  void advance(std::uint64_t number, Role side, Poller& poller);
  // The passage that holds from now on, for all streams.
  void set_passage(const Passage& passage, Poller& poller);
  // Accepts again after the machine had no descriptor left; when to come back for that.
  [[nodiscard]] std::optional<Instant> resume(Instant now, Poller& poller);

  [[nodiscard]] std::string address() const { return bound_address(listener_.get()); }
  void describe(Json& status) const;

 private:
  Relay(Descriptor listener, SocketAddress upstream)
      : listener_(std::move(listener)), upstream_(upstream) {}

  Descriptor listener_;
  Watched watched_;
  SocketAddress upstream_;
  Passage passage_;
  Traffic traffic_;
  std::optional<Instant> paused_until_;
  std::unordered_map<std::uint64_t, Stream> streams_;
  std::uint64_t next_ = 1;
};

}  // namespace gameday
