// A node of RabbitMQ as whoever runs it can tell it what to do: through rabbitmqctl, on its host or
// in its container. Neither AMQP nor the management API can stop a node's broker or set its
// watermarks.
#pragma once

#include "drills/systems/rabbitmq_messages.h"

namespace gameday {

// How a target's node is told, and whom.
struct RabbitControl {
  RabbitDeed deed;
  std::vector<std::string> command;  // rabbitmqctl, with whatever leads to it
};
[[nodiscard]] Json to_json(const RabbitControl& control);
[[nodiscard]] Result<RabbitControl> rabbit_control_from(const Undo& undo);
// Of a deed's target, with its notes made. unsupported: the playbook does not say how; conflict:
// what it says leads to a node of another cluster.
[[nodiscard]] Result<RabbitControl> prepare_control(const Deed& deed, const DeedContext& context);
// Whether rabbitmqctl runs, and reaches a node of the cluster.
[[nodiscard]] Status may_control(const Deed& deed, const DeedContext& context);

// What rabbitmqctl says to that.
[[nodiscard]] Result<std::string> tell_node(const RabbitControl& control,
                                            const std::vector<std::string>& words,
                                            const DeedContext& context);
// The value of an Erlang expression, as Erlang writes it.
[[nodiscard]] Result<std::string> evaluated(const RabbitControl& control,
                                            const std::string& expression,
                                            const DeedContext& context);

}  // namespace gameday
