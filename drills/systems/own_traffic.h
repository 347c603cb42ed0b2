// Traffic of our own between two network namespaces that we can enter: datagrams that are counted
// where they arrive, and connections, with nobody's service at either end.
#pragma once

#include <optional>
#include <string>

#include "drills/systems/netns.h"
#include "drills/systems/packets.h"
#include "engine/rows.h"

namespace gameday {

struct TrafficEnd {
  Netns netns;
  std::string address;
  std::int64_t port = 0;  // 0: any free one
};

// One way of it.
struct Flow {
  std::string way;  // "out" or "in" of what the rules are in; "inside": out and in again
  Family family = Family::v4;
  TrafficEnd from, to;
  bool taken = true;  // at its end too; else it goes to that port, or without one to discard's
};
[[nodiscard]] Json to_json(const Flow& flow);
[[nodiscard]] Result<Flow> flow_from(const Json& value);

struct Burst {
  std::int64_t sent = 0;
  std::int64_t refused = 0;  // those of them that a rule kept from leaving
  std::int64_t arrived = 0;  // of a flow that nobody takes: that were let out
  [[nodiscard]] std::int64_t lost() const { return sent - arrived; }
};
// So many datagrams, one after another. Nothing: there is no way from one end to the other, or an
// end is not there.
[[nodiscard]] Result<std::optional<Burst>> send_burst(const Flow& flow, std::int64_t count,
                                                      const DeedContext& context);

struct RoundTrip {
  Duration there{}, back{};  // until it had come
};
// One datagram there, and another one back when it has come. Nothing: as above, or one of them has
// not come within that time.
[[nodiscard]] Result<std::optional<RoundTrip>> send_there_and_back(const Flow& flow,
                                                                   Duration within,
                                                                   const DeedContext& context);

enum class Joined { yes, reset, silent };
// A connection. Nothing: as above.
[[nodiscard]] Result<std::optional<Joined>> try_to_join(const Flow& flow,
                                                        const DeedContext& context);

}  // namespace gameday
