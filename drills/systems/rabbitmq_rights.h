// Which rights in its vhost a fault on RabbitMQ needs, and whether we hold them. Nobody but an
// administrator can ask the server for that. So each right is tried in a way that the server
// refuses, or that finds nothing to do, after it has looked for the right.
#pragma once

#include "drills/systems/rabbitmq.h"

namespace gameday {

enum class RabbitRight {
  configure_queue,
  write_queue,
  read_queue,
  read_bound,       // the exchanges that the queue is bound to, and to write the queue
  configure_marks,  // exchanges and queues named gameday.*
  write_marks,
  read_marks,
  write_default,  // amq.default
  read_dead,      // the dead letters, where the target names any
  write_dead
};
// refused: the first one that is lacking.
[[nodiscard]] Status check_rabbit_rights(const Deed& deed, std::span<const RabbitRight> rights,
                                         const DeedContext& context);

// To be a row's own `may`.
template <RabbitRight... rights>
[[nodiscard]] Status may_rabbit(const Deed& deed, const DeedContext& context) {
  constexpr RabbitRight kRights[] = {rights...};
  return check_rabbit_rights(deed, kRights, context);
}

}  // namespace gameday
