// What a vhost of RabbitMQ is made of, without its messages: queues, exchanges, bindings, policies,
// parameters, and who may do what in it. As the management API exports it; users and their
// passwords are not of the vhost, and not in it.
#pragma once

#include "drills/systems/rabbitmq.h"

namespace gameday {

// One of them, so that two that mean the same thing have the same name: "queue orders",
// "binding of queue orders to amq.topic by order.*".
struct RabbitItem {
  std::string kind;  // "queues", "exchanges", "bindings", "policies", "parameters", "permissions"
  std::string name;
  Json terms = Json::object();  // as it was exported
};

// Of the vhost of `queue`, or of another one of that server. refused: it takes the tag
// `administrator`.
[[nodiscard]] Result<std::vector<RabbitItem>> definitions_of(const RabbitQueue& queue,
                                                             const std::string& vhost,
                                                             const DeedContext& context);
[[nodiscard]] Json to_json(const std::vector<RabbitItem>& items);
[[nodiscard]] Result<std::vector<RabbitItem>> definitions_from(const Json& written);
[[nodiscard]] std::string digest_of(const std::vector<RabbitItem>& items);
[[nodiscard]] std::int64_t count_of(const std::vector<RabbitItem>& items, std::string_view kind);

struct RabbitDifference {
  std::vector<RabbitItem> missing;    // in the first alone
  std::vector<RabbitItem> different;  // in both, as the first has it
  std::int64_t more = 0;              // in the second alone
  [[nodiscard]] bool none() const { return missing.empty() && different.empty(); }
  // "missing: queue orders; different: policy p"
  [[nodiscard]] std::string shown() const;
};
[[nodiscard]] RabbitDifference difference(const std::vector<RabbitItem>& wanted,
                                          const std::vector<RabbitItem>& found);

// Makes them in that vhost. What is there already stays, but for policies, parameters and
// permissions, which become these.
[[nodiscard]] Status import_definitions(const RabbitQueue& queue, const std::string& vhost,
                                        const std::vector<RabbitItem>& items,
                                        const DeedContext& context);
// Takes one away; one that is not there is no error. conflict: a queue that holds messages.
[[nodiscard]] Status remove_definition(const RabbitQueue& queue, const std::string& vhost,
                                       const RabbitItem& item, const DeedContext& context);

// The vhost that a queue's URL names, its references replaced.
[[nodiscard]] Result<std::string> rabbit_vhost(const RabbitQueue& queue, const Secrets& secrets);

}  // namespace gameday
