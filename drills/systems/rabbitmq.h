// A queue of a RabbitMQ server: messages go by AMQP, and the management API tells what AMQP has no
// word for (terms, bindings, what is out for delivery).
#pragma once

#include <optional>
#include <string>

#include "engine/rows.h"
#include "engine/sys/amqp.h"

namespace gameday {

// As the playbook gives it: secrets still as references.
struct RabbitQueue {
  std::string url;
  std::string queue;
  std::string management;
  std::string dead_letters = {};  // the queue of what consumers have given up; may be empty
  std::string ca = {};
};
[[nodiscard]] Result<RabbitQueue> rabbit_queue_of(const Target& target);
[[nodiscard]] Json to_json(const RabbitQueue& queue);
[[nodiscard]] Result<RabbitQueue> rabbit_queue_from(const Json& written);

// "orders at mq.example/shop", without a user; the URL's own words.
[[nodiscard]] std::string shown(const RabbitQueue& queue);

// `name` is how the server shows the connection.
[[nodiscard]] Result<Amqp> open_rabbit(const RabbitQueue& queue, const DeedContext& context,
                                       const std::string& name = "gameday");
// As whoever the management API is asked as.
[[nodiscard]] Result<Amqp> open_rabbit_as_manager(const RabbitQueue& queue,
                                                  const DeedContext& context);
// The user that the URL names, its references replaced.
[[nodiscard]] Result<std::string> rabbit_user(const RabbitQueue& queue, const Secrets& secrets);

// One request on the management API; `path` begins behind /api, with the vhost as kVhost.
inline constexpr std::string_view kVhost = "{vhost}";
[[nodiscard]] Result<Json> ask_management(const RabbitQueue& queue, const std::string& method,
                                          const std::string& path, const DeedContext& context,
                                          const Json& body = {});

// A queue's terms, and whether it is there at all.
struct RabbitTerms {
  bool exists = false;
  std::string type;  // "classic", "quorum", "stream"
  bool durable = true;
  bool auto_delete = false;
  bool exclusive = false;
  Json arguments = Json::object();
  // When the oldest message was published, in seconds, where it says so: as of the last statistics.
  std::optional<std::int64_t> head_time;
};
[[nodiscard]] Result<RabbitTerms> look_at_rabbit(const RabbitQueue& queue,
                                                 const DeedContext& context);

// How many messages a queue holds at one moment.
struct RabbitDepth {
  std::int64_t ready = 0;
  std::int64_t unacknowledged = 0;
  [[nodiscard]] std::int64_t all() const { return ready + unacknowledged; }
};
// As the server tells it now: a classic queue is asked itself, any other tells what its last
// statistics said, which may be seconds old. `name` is the queue's, or the dead letters'.
// not_found: there is no such queue.
[[nodiscard]] Result<RabbitDepth> told_by_rabbit(const RabbitQueue& queue, const std::string& name,
                                                 const DeedContext& context);
// A classic queue is asked itself. Of any other the server tells what its last statistics said:
// where they say that it is empty, newer ones are waited for, so that an empty one was so after the
// call began.
[[nodiscard]] Result<RabbitDepth> depth_of_rabbit(const RabbitQueue& queue, const std::string& name,
                                                  const DeedContext& context);

// As the queue itself tells by AMQP; the management API learns of them with the statistics.
[[nodiscard]] Result<std::int64_t> consumers_of_rabbit(const RabbitQueue& queue,
                                                       const DeedContext& context);

// The bindings of the queue, but for the one that every queue has:
// {"exchange", "routing_key", "arguments"}; none where there is no such queue.
[[nodiscard]] Result<Json> bindings_of_rabbit(const RabbitQueue& queue, const DeedContext& context);

// Where the server sends the queue's dead letters, by the queue's own arguments or by a policy:
// x-dead-letter-exchange and, if there is one, x-dead-letter-routing-key; a null: nowhere.
[[nodiscard]] Result<Json> way_of_dead_letters(const RabbitQueue& queue,
                                               const DeedContext& context);

}  // namespace gameday
