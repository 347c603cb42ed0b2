#include "drills/systems/rabbitmq_rights.h"

#include <functional>

namespace gameday {
namespace {

constexpr const char* kNobodys = "gameday.no-mark";
constexpr const char* kNoKey = "gameday.asks-for-a-right";

using Attempt = std::function<Status(AmqpChannel&)>;

// To write the queue, and to read the exchange.
Attempt unbinding(const std::string& queue, const std::string& exchange) {
  return [=](AmqpChannel& channel) {
    return channel.unbind({.queue = queue, .exchange = exchange, .routing_key = kNoKey});
  };
}

Attempt publishing_to(const std::string& exchange) {
  return [=](AmqpChannel& channel) {
    const AmqpMessage message{"", "", exchange, kNoKey};
    return channel.publish(std::span(&message, 1));
  };
}

Attempt reading(const std::string& queue) {
  return [=](AmqpChannel& channel) { return channel.try_reading(queue); };
}

Result<std::vector<Attempt>> attempts_for(RabbitRight right, const RabbitQueue& queue,
                                          const DeedContext& context) {
  std::vector<Attempt> attempts;
  switch (right) {
    case RabbitRight::configure_queue:
      attempts.emplace_back([&](AmqpChannel& channel) {
        return channel.declare(
            {.queue = queue.queue, .arguments = Json::object({{"x-expires", "no number"}})});
      });
      break;
    case RabbitRight::read_queue: attempts.push_back(reading(queue.queue)); break;
    case RabbitRight::read_bound: {
      TRY(bindings, bindings_of_rabbit(queue, context));
      for (const Json& binding : bindings.items()) {
        attempts.push_back(unbinding(queue.queue, binding.text("exchange")));
      }
      break;
    }
    case RabbitRight::configure_marks:
      attempts.emplace_back([](AmqpChannel& channel) { return channel.remove_exchange(kNobodys); });
      break;
    case RabbitRight::write_marks: attempts.push_back(publishing_to(kNobodys)); break;
    case RabbitRight::write_queue:
    case RabbitRight::read_marks: attempts.push_back(unbinding(queue.queue, kNobodys)); break;
    case RabbitRight::write_default: attempts.push_back(publishing_to("")); break;
    case RabbitRight::read_dead: attempts.push_back(reading(queue.dead_letters)); break;
    case RabbitRight::write_dead:
      attempts.push_back(unbinding(queue.dead_letters, kNobodys));
      break;
  }
  return attempts;
}

bool is_of_the_dead(RabbitRight right) {
  return right == RabbitRight::read_dead || right == RabbitRight::write_dead;
}

}  // namespace

Status check_rabbit_rights(const Deed& deed, std::span<const RabbitRight> rights,
                           const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  // The tag, too.
  TRY(terms, look_at_rabbit(queue, context));
  TRY(connection, open_rabbit(queue, context));
  for (const RabbitRight right : rights) {
    if (is_of_the_dead(right) && queue.dead_letters.empty()) continue;
    TRY(attempts, attempts_for(right, queue, context));
    for (const auto& attempt : attempts) {
      TRY(channel, connection.channel());
      const Status tried = attempt(channel);
      if (!tried && tried.error().code == ErrorCode::refused) return tried;
    }
  }
  return {};
}

}  // namespace gameday
