// Takes a binding of a queue of RabbitMQ away: what is published that way no longer gets there, and
// nobody but a publisher that asks for it is told.
//
// That we have done it is told by a binding of the deed's own, to an exchange that bears its mark:
// both come before the deed and go after its undo. They go with their queue too, so that one which
// was made anew keeps the bindings that it was given.
#include "drills/systems/rabbitmq_messages.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr std::string_view kAny = "any";

constexpr Field kFields[] = {
    {.name = "exchange",
     .help = "The exchange that the queue is bound to; `any` where there is one binding alone.",
     .otherwise = kAny},
    {.name = "routing_key",
     .help = "The binding's routing key, which may hold * and #; `any` where the queue has one "
             "binding alone to that exchange.",
     .otherwise = kAny}};

struct Unbinding {
  RabbitDeed deed;
  AmqpBinding binding;
};

Json to_json(const Unbinding& unbinding) {
  Json written = to_json(unbinding.deed);
  return written.set("exchange", unbinding.binding.exchange)
      .set("routing_key", unbinding.binding.routing_key)
      .set("arguments", unbinding.binding.arguments);
}

Result<Unbinding> unbinding_from(const Undo& undo) {
  TRY(deed, rabbit_deed_from(undo));
  const Json& written = undo.arguments;
  AmqpBinding binding{.queue = deed.queue.queue,
                      .exchange = written.text("exchange"),
                      .routing_key = written.text("routing_key"),
                      .arguments = written.get("arguments")};
  if (binding.exchange.empty() || !binding.arguments.is_object()) {
    return fail(ErrorCode::invalid, "the undo of a binding lacks its exchange or arguments");
  }
  return Unbinding{deed, binding};
}

AmqpBinding mark_of(const Unbinding& unbinding) {
  return {.queue = unbinding.binding.queue, .exchange = rabbit_exchange(unbinding.deed.mark)};
}

std::string shown(const Json& binding) {
  return binding.text("exchange") + " by " + binding.text("routing_key");
}

bool is_asked_for(const Json& binding, const Deed& deed) {
  for (const char* name : {"exchange", "routing_key"}) {
    const std::string wanted = deed.arguments.text(name, kAny);
    if (wanted != kAny && wanted != binding.text(name)) return false;
  }
  return true;
}

// The one that the step means, of those that the queue has.
Result<Json> chosen(const Json& bindings, const Deed& deed, const std::string& queue) {
  const Json* found = nullptr;
  std::string all;
  int count = 0;
  for (const Json& binding : bindings.items()) {
    all += (all.empty() ? "" : ", ") + shown(binding);
    if (!is_asked_for(binding, deed)) continue;
    found = &binding;
    ++count;
  }
  if (count == 1) return *found;
  return fail(count == 0 ? ErrorCode::not_found : ErrorCode::invalid,
              queue + " has " + (count == 0 ? "no such binding" : "more than one such binding") +
                  "; it is bound to " + (all.empty() ? "nothing" : all),
              "`exchange` and `routing_key` together must name one");
}

// Such an exchange would go with the last of its bindings, and with it those of others.
Status refuse_what_would_go_too(const RabbitQueue& queue, const std::string& exchange,
                                const DeedContext& context) {
  TRY(found, ask_management(queue, "GET",
                            "/exchanges/" + std::string(kVhost) + "/" + percent_encoded(exchange),
                            context));
  if (!found.boolean("auto_delete", false)) return {};
  return fail(ErrorCode::unsupported,
              "the exchange " + exchange + " goes with its last binding, and would not come back");
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_rabbit(deed, context));
  const RabbitQueue& queue = prepared.deed.queue;
  TRY(bindings, bindings_of_rabbit(queue, context));
  TRY(binding, chosen(bindings, deed, gameday::shown(queue)));
  TRY_OK(refuse_what_would_go_too(queue, binding.text("exchange"), context));
  return Undo{.kind = "delete-binding",
              .arguments = to_json(Unbinding{prepared.deed,
                                             {.queue = queue.queue,
                                              .exchange = binding.text("exchange"),
                                              .routing_key = binding.text("routing_key"),
                                              .arguments = binding.get("arguments")}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(unbinding, unbinding_from(undo));
  TRY(connection, begin_on_rabbit(unbinding.deed, context));
  TRY(channel, connection.channel());
  TRY_OK(channel.declare_exchange(rabbit_exchange(unbinding.deed.mark)));
  TRY_OK(channel.bind(mark_of(unbinding)));
  return channel.unbind(unbinding.binding);
}

struct Seen {
  bool exists = false;  // the queue
  bool bound = false;
  bool marked = false;
};

Result<Seen> look(const Unbinding& unbinding, const DeedContext& context) {
  TRY(terms, look_at_rabbit(unbinding.deed.queue, context));
  if (!terms.exists) return Seen{};
  TRY(bindings, bindings_of_rabbit(unbinding.deed.queue, context));
  const AmqpBinding& wanted = unbinding.binding;
  Seen seen{.exists = true};
  for (const Json& binding : bindings.items()) {
    seen.marked = seen.marked || binding.text("exchange") == mark_of(unbinding).exchange;
    seen.bound = seen.bound || (binding.text("exchange") == wanted.exchange &&
                                binding.text("routing_key") == wanted.routing_key &&
                                binding.get("arguments") == wanted.arguments);
  }
  return seen;
}

std::string route_of(const Unbinding& unbinding) {
  return "from " + unbinding.binding.exchange + " by " + unbinding.binding.routing_key;
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(unbinding, unbinding_from(undo));
  TRY(seen, look(unbinding, context));
  return Proof{.held = seen.marked && !seen.bound,
               .text = (!seen.exists ? "the queue does not exist; there is no way "
                        : seen.bound ? "there is still a way "
                                     : "there is no way any more ") +
                       route_of(unbinding) + " into the queue",
               .facts = Json::object({{"bound", seen.bound}})};
}

// Without our mark nothing of ours is to be put right. An unbinding that is still under way may
// come to pass until its connection has ended.
Status undo_unbinding(const Undo& undo, const DeedContext& context) {
  TRY(unbinding, unbinding_from(undo));
  TRY_OK(wait_for_end(unbinding.deed, context));
  TRY(seen, look(unbinding, context));
  TRY(connection, open_rabbit(unbinding.deed.queue, context, rabbit_name(unbinding.deed.mark)));
  TRY(channel, connection.channel());
  if (seen.marked && !seen.bound) TRY_OK(channel.bind(unbinding.binding));
  // It may be one that is bound to nothing yet.
  return channel.remove_exchange(rabbit_exchange(unbinding.deed.mark));
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(unbinding, unbinding_from(undo));
  TRY(seen, look(unbinding, context));
  const std::string route = route_of(unbinding);
  return Proof{.held = !seen.marked,
               .text = seen.marked    ? "the mark is still on the queue"
                       : seen.bound   ? "there is a way " + route + " into the queue"
                       : !seen.exists ? "the queue does not exist"
                                      : "the way " + route + " was taken away by somebody else",
               .facts = Json::object({{"bound", seen.bound}})};
}

Status close_unbinding(const Undo& undo, bool, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  return erase_kept(deed, context);
}

// Of the exchanges that the queue is bound to, the one that is meant.
Status may(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  using enum RabbitRight;
  TRY_OK(check_rabbit_rights(queue, {configure_marks, read_marks, write_queue}, context));
  TRY(bindings, bindings_of_rabbit(queue, context));
  TRY(binding, chosen(bindings, deed, gameday::shown(queue)));
  return check_rabbit_binding(queue, binding, context);
}

}  // namespace

extern const FaultRow delete_binding_fault;
const FaultRow delete_binding_fault{
    .name = "delete-binding",
    .summary = "Takes a binding of a queue of RabbitMQ away, so that messages are routed nowhere.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on the queue; read on gameday.* and the exchange; the tag "
        "management",
    .example = "- { fault: delete-binding, target: jobs, exchange: amq.topic, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_unbinding,
    .gone = gone,
    .close = close_unbinding,
    .discover = marks_on_rabbit,
    .may = may};

}  // namespace gameday
