// Which rights in its vhost a fault on RabbitMQ needs, and whether we hold them. Nobody but an
// administrator can ask the server for that. So each right is tried in a way that the server
// refuses, or that finds nothing to do, after it has looked for the right.
#pragma once

#include <vector>

#include "drills/systems/rabbitmq.h"

namespace gameday {

// In the order in which they are tried, so that what is refused is the last one alone.
enum class RabbitRight {
  configure_marks,  // exchanges and queues named gameday.*
  read_marks,
  write_marks,
  configure_queue,
  write_queue,  // with read_marks
  read_queue,
  read_bound,     // the exchanges that the queue is bound to; with write_queue
  read_dead,      // the dead letters, where the target names any
  write_dead,     // with read_marks
  write_default,  // amq.default
  write_way,      // the exchange that the queue's dead letters go to, if any; with read_marks
  write_own_way   // the same, where the queue itself says so, and not a policy alone
};
// The tag, and then these. refused: the first one that is lacking.
[[nodiscard]] Status check_rabbit_rights(const RabbitQueue& queue, std::vector<RabbitRight> rights,
                                         const DeedContext& context);
// To take that one of the queue's bindings away, and to bind it so again.
[[nodiscard]] Status check_rabbit_binding(const RabbitQueue& queue, const Json& binding,
                                          const DeedContext& context);
// To publish to that exchange.
[[nodiscard]] Status check_rabbit_publishing(const RabbitQueue& queue, const std::string& exchange,
                                             const std::string& routing_key,
                                             const DeedContext& context);
// Whether whoever the management API is asked as is an administrator, and then whether they may
// take the queue and its bindings away.
[[nodiscard]] Status check_rabbit_administrator(const RabbitQueue& queue, const std::string& what,
                                                const DeedContext& context);
[[nodiscard]] Status check_rabbit_taking_away(const RabbitQueue& queue, const DeedContext& context);

// To be a row's own `may`.
[[nodiscard]] Status may_rabbit_do(const Deed& deed, std::vector<RabbitRight> rights,
                                   const DeedContext& context);
template <RabbitRight... rights>
[[nodiscard]] Status may_rabbit(const Deed& deed, const DeedContext& context) {
  return may_rabbit_do(deed, {rights...}, context);
}

}  // namespace gameday
