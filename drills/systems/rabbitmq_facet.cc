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
             "those that this machine trusts."},
    {.name = "control",
     .type = FieldType::texts,
     .help = "How rabbitmqctl is run for the queue's node, for the faults that stop or block the "
             "node: [rabbitmqctl], or [docker, exec, NAME, rabbitmqctl]. Its first word is in the "
             "PATH, or begins with a /."}};

// Told wherever the target is shown, as in the plan.
std::string warning_of(const RabbitTerms& terms) {
  if (terms.exclusive) return ", which goes with its connection";
  if (terms.durable) return "";
  return ", which is not durable: a restart of its node takes it and what is in it";
}

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
                  .shown = shown(queue) + warning_of(terms),
                  .identity = "rabbitmq:" + server.cluster + "/" + vhost + "/" + queue.queue,
                  .facts = Json::object({{"cluster", server.cluster},
                                         {"version", server.version},
                                         {"type", terms.type},
                                         {"durable", terms.durable},
                                         {"arguments", terms.arguments},
                                         {"messages", seen.ready}})};
}

}  // namespace

extern const FacetRow rabbitmq_facet;
const FacetRow rabbitmq_facet{.name = "rabbitmq",
                              .summary = "A queue of a RabbitMQ server.",
                              .scalar = "",
                              .fields = kFields,
                              .resolve = resolve};

}  // namespace gameday
