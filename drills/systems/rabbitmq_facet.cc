// The facet of a target that is a queue of a RabbitMQ server.
#include "drills/systems/rabbitmq.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "url",
     .help =
         "The server as amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://; the vhost is / where "
         "none is named, and a / in its name is written %2F.",
     .required = true},
    {.name = "queue", .help = "The queue's name.", .required = true},
    {.name = "management",
     .type = FieldType::url,
     .help = "The management API, up to where /api begins; asked as the user of `url`, unless it "
             "names one of its own.",
     .required = true},
    {.name = "dead_letters",
     .help = "The queue of what consumers have given up, on the same vhost; a replay moves what is "
             "in it back."},
    {.name = "ca",
     .type = FieldType::path,
     .help = "A file of certificates in PEM that an amqps:// server is trusted by; without it, "
             "those that this machine trusts."}};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(queue, rabbit_queue_of(target));
  TRY(address, amqp_address_of(queue.url));
  TRY(vhost, context.secrets.reveal(address.vhost));
  TRY(connection, open_rabbit(queue, context));
  TRY(channel, connection.channel());
  TRY(seen, channel.look(queue.queue));
  TRY(terms, look_at_rabbit(queue, context));
  if (!terms.exists) {
    return fail(ErrorCode::invalid, shown(queue) +
                                        " is not known to its management API, which "
                                        "seems to be another server's");
  }
  const AmqpServer& server = connection.server();
  return Instance{.target = target.name,
                  .shown = shown(queue),
                  .identity = "rabbitmq:" + server.cluster + "/" + vhost + "/" + queue.queue,
                  .facts = Json::object({{"cluster", server.cluster},
                                         {"version", server.version},
                                         {"type", terms.type},
                                         {"durable", terms.durable},
                                         {"arguments", terms.arguments},
                                         {"messages", seen.ready}})};
}

// Each right is tried in a way that the server refuses, or that finds nothing to do, after it has
// looked for the right.
Status may(const Target& target, const DeedContext& context) {
  constexpr const char* kNobodys = "gameday.no-mark";
  TRY(queue, rabbit_queue_of(target));
  TRY(connection, open_rabbit(queue, context));
  TRY(bindings, bindings_of_rabbit(queue, context));
  const auto lacking = [&](const auto& attempt) -> Status {
    TRY(channel, connection.channel());
    const Status tried = attempt(channel);
    if (tried || tried.error().code != ErrorCode::refused) return {};
    return tried;
  };
  const auto publishing_to = [](const std::string& exchange) {
    return [exchange](AmqpChannel& channel) {
      const AmqpMessage message{"", "", exchange, "gameday.asks-for-a-right"};
      return channel.publish(std::span(&message, 1));
    };
  };
  TRY_OK(lacking([&](AmqpChannel& channel) { return channel.try_reading(queue.queue); }));
  TRY_OK(lacking([&](AmqpChannel& channel) {
    return channel.declare(
        {.queue = queue.queue, .arguments = Json::object({{"x-expires", "no number"}})});
  }));
  bindings.push(Json::object({{"exchange", kNobodys}}));
  for (const Json& binding : bindings.items()) {
    TRY_OK(lacking([&](AmqpChannel& channel) {
      return channel.unbind({.queue = queue.queue,
                             .exchange = binding.text("exchange"),
                             .routing_key = "gameday.asks-for-a-right"});
    }));
  }
  TRY_OK(lacking([&](AmqpChannel& channel) { return channel.remove_exchange(kNobodys); }));
  TRY_OK(lacking(publishing_to(kNobodys)));
  return lacking(publishing_to(""));
}

}  // namespace

extern const FacetRow rabbitmq_facet;
const FacetRow rabbitmq_facet{.name = "rabbitmq",
                              .summary = "A queue of a RabbitMQ server.",
                              .scalar = "",
                              .fields = kFields,
                              .resolve = resolve,
                              .may = may};

}  // namespace gameday
