// How deep a queue of RabbitMQ is, what is out for delivery included, and how what consumers have
// given up is delivered again.
#include <algorithm>

#include "drills/systems/rabbitmq.h"

namespace gameday {
namespace {

constexpr std::int64_t kAtOnce = 100;

Result<std::int64_t> depth(const Target& target, const DeedContext& context) {
  TRY(queue, rabbit_queue_of(target));
  TRY(found, depth_of_rabbit(queue, queue.queue, context));
  return found.all();
}

// Takes up to `most` messages out of `from`; the last one's tag, 0 for none.
Result<std::uint64_t> take_some(AmqpChannel& channel, const std::string& from, std::int64_t most,
                                std::vector<AmqpMessage>& into) {
  std::uint64_t last = 0;
  while (static_cast<std::int64_t>(into.size()) < most) {
    TRY(got, channel.get(from));
    if (!got) break;
    last = got->tag;
    into.push_back(std::move(got->message));
  }
  return last;
}

// The dead letters that are there when it begins; what comes back meanwhile is not moved again. A
// message is in the queue before it leaves the dead letters: a death between the two leaves it in
// both, and never in none. When it died does not matter: it was never worked on.
Result<std::int64_t> replay(const Target& target, Utc, const DeedContext& context) {
  TRY(queue, rabbit_queue_of(target));
  if (queue.dead_letters.empty()) {
    return fail(ErrorCode::unsupported,
                "target " + target.name +
                    " names no dead_letters, so there is nothing that could be replayed");
  }
  TRY(user, rabbit_user(queue, context.secrets));
  TRY(connection, open_rabbit(queue, context));
  TRY(taking, connection.channel());
  TRY(putting, connection.channel());
  TRY(dead, taking.look(queue.dead_letters));
  std::int64_t moved = 0;
  while (moved < dead.ready) {
    std::vector<AmqpMessage> some;
    TRY(last, take_some(taking, queue.dead_letters, std::min(kAtOnce, dead.ready - moved), some));
    if (some.empty()) break;
    for (AmqpMessage& message : some) {
      // Copies to others were delivered when it was first published.
      TRY(properties, edited_properties(message.properties,
                                        {.headers = {},
                                         .without = {"CC"},
                                         .without_user = user_in(message.properties) != user}));
      message.properties = properties;
      message.exchange = "";
      message.routing_key = queue.queue;
    }
    TRY_OK(putting.publish(some));
    TRY_OK(taking.acknowledge(last, true));
    moved += static_cast<std::int64_t>(some.size());
  }
  return moved;
}

}  // namespace

extern const QueueRow rabbitmq_queue;
const QueueRow rabbitmq_queue{.facet = "rabbitmq", .depth = depth, .replay = replay};

}  // namespace gameday
