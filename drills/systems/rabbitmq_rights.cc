#include "drills/systems/rabbitmq_rights.h"

#include <algorithm>
#include <functional>

namespace gameday {
namespace {

constexpr const char* kNobodys = "gameday.no-mark";
constexpr const char* kNoKey = "gameday.asks-for-a-right";
constexpr const char* kMarks = "gameday.*";

struct Attempt {
  std::string right;  // "write amq.default"
  std::function<Status(AmqpChannel&)> make;
};
using Attempts = std::vector<Attempt>;

Attempt configuring(const std::string& queue) {
  return {"configure " + queue, [=](AmqpChannel& channel) {
            return channel.declare(
                {.queue = queue, .arguments = Json::object({{"x-expires", "no number"}})});
          }};
}

// Nobody has bound it so.
Attempt unbinding(const std::string& right, const AmqpBinding& like) {
  AmqpBinding nobodys = like;
  nobodys.arguments = Json::object({{kNoKey, true}});
  return {right, [=](AmqpChannel& channel) { return channel.unbind(nobodys); }};
}

Attempt unbinding_from_nobodys(const std::string& queue) {
  return unbinding("write " + queue, {.queue = queue, .exchange = kNobodys});
}

Attempt unbinding_from(const RabbitQueue& queue, const Json& binding) {
  const std::string exchange = binding.text("exchange");
  return unbinding(
      "read " + exchange + " and write " + queue.queue,
      {.queue = queue.queue, .exchange = exchange, .routing_key = binding.text("routing_key")});
}

Attempt writing(const std::string& name, const std::string& exchange, const std::string& key) {
  return {"write " + name,
          [=](AmqpChannel& channel) { return channel.try_writing(exchange, key); }};
}

Attempt writing_by_default() { return writing("amq.default", "", kNoKey); }

Attempt reading(const std::string& name, const std::string& queue) {
  return {"read " + name, [=](AmqpChannel& channel) { return channel.try_reading(queue); }};
}

// A queue declares where its dead letters go, and nothing is published there.
Attempt sending_on(const std::string& exchange) {
  if (exchange.empty()) return writing_by_default();
  return {"write " + exchange, [=](AmqpChannel& channel) {
            return channel.unbind_exchange(exchange, kNobodys, kNoKey);
          }};
}

Result<Attempts> attempts_for(RabbitRight right, const RabbitQueue& queue, const RabbitTerms& terms,
                              const DeedContext& context) {
  switch (right) {
    case RabbitRight::configure_marks:
      return Attempts{{std::string("configure ") + kMarks,
                       [](AmqpChannel& channel) { return channel.remove_exchange(kNobodys); }}};
    case RabbitRight::read_marks: return Attempts{reading(kMarks, kNobodys)};
    case RabbitRight::write_marks: return Attempts{writing(kMarks, kNobodys, kNoKey)};
    case RabbitRight::configure_queue: return Attempts{configuring(queue.queue)};
    case RabbitRight::write_queue: return Attempts{unbinding_from_nobodys(queue.queue)};
    case RabbitRight::read_queue: return Attempts{reading(queue.queue, queue.queue)};
    case RabbitRight::read_bound: {
      TRY(bindings, bindings_of_rabbit(queue, context));
      Attempts attempts;
      for (const Json& binding : bindings.items()) {
        attempts.push_back(unbinding_from(queue, binding));
      }
      return attempts;
    }
    case RabbitRight::read_dead:
      if (queue.dead_letters.empty()) return Attempts{};
      return Attempts{reading(queue.dead_letters, queue.dead_letters)};
    case RabbitRight::write_dead:
      if (queue.dead_letters.empty()) return Attempts{};
      return Attempts{unbinding_from_nobodys(queue.dead_letters)};
    case RabbitRight::write_default: return Attempts{writing_by_default()};
    case RabbitRight::write_way: {
      TRY(way, way_of_dead_letters(queue, context));
      if (way.is_null()) return Attempts{};
      return Attempts{sending_on(way.text("x-dead-letter-exchange"))};
    }
    case RabbitRight::write_own_way: {
      const Json* way = terms.arguments.find("x-dead-letter-exchange");
      if (way == nullptr || !way->is_text()) return Attempts{};
      return Attempts{sending_on(way->text())};
    }
  }
  return Attempts{};
}

// A server that does not answer has not said that we may.
Status tried(const Attempts& attempts, Amqp& connection) {
  for (const auto& [right, make] : attempts) {
    TRY(channel, connection.channel());
    const Status made = make(channel);
    if (made || made.error().code == ErrorCode::conflict ||
        made.error().code == ErrorCode::not_found) {
      continue;
    }
    return std::unexpected(made.error().in("the right to " + right));
  }
  return {};
}

}  // namespace

Status check_rabbit_rights(const RabbitQueue& queue, std::vector<RabbitRight> rights,
                           const DeedContext& context) {
  // The tag, too.
  TRY(terms, look_at_rabbit(queue, context));
  TRY(connection, open_rabbit(queue, context));
  std::ranges::sort(rights);
  for (const RabbitRight right : rights) {
    TRY(attempts, attempts_for(right, queue, terms, context));
    TRY_OK(tried(attempts, connection));
  }
  return {};
}

Status may_rabbit_do(const Deed& deed, std::vector<RabbitRight> rights,
                     const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  return check_rabbit_rights(queue, std::move(rights), context);
}

Status check_rabbit_binding(const RabbitQueue& queue, const Json& binding,
                            const DeedContext& context) {
  TRY(connection, open_rabbit(queue, context));
  return tried({unbinding_from(queue, binding)}, connection);
}

Status check_rabbit_publishing(const RabbitQueue& queue, const std::string& exchange,
                               const std::string& routing_key, const DeedContext& context) {
  TRY(connection, open_rabbit(queue, context));
  return tried({writing(exchange.empty() ? "amq.default" : exchange, exchange, routing_key)},
               connection);
}

Status check_rabbit_administrator(const RabbitQueue& queue, const std::string& what,
                                  const DeedContext& context) {
  TRY(who, ask_management(queue, "GET", "/whoami", context));
  const Json& tags = who.get("tags");
  const bool is_one = tags.is_array() ? std::ranges::count(tags.items(), Json("administrator")) > 0
                                      : who.text("tags").contains("administrator");
  if (is_one) return {};
  return fail(ErrorCode::refused,
              "without the tag administrator we may not " + what + " at " + shown(queue),
              "the user of its management API needs the tag `administrator`; the management URL "
              "may name one of its own");
}

Status check_rabbit_taking_away(const RabbitQueue& queue, const DeedContext& context) {
  TRY(connection, open_rabbit_as_manager(queue, context));
  TRY_OK(tried({configuring(queue.queue)}, connection));
  TRY(bindings, bindings_of_rabbit(queue, context));
  for (const Json& binding : bindings.items()) {
    TRY_OK(tried({unbinding_from(queue, binding)}, connection));
  }
  return {};
}

}  // namespace gameday
