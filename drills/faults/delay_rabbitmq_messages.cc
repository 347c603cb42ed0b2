// Has a queue of RabbitMQ hold messages back for a while. They stand in a queue of the deed's own,
// from which the server itself moves them on when their time has come, whatever became of us; what
// is still held at the end is put back at once.
#include <chrono>

#include "drills/systems/rabbitmq_held.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kHeldCount,
                             {.name = "by",
                              .type = FieldType::duration,
                              .help = "How long each of them is held back, at most until the end.",
                              .required = true,
                              .least = 0.001,
                              .most = 3600},
                             kHeldWithin};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_classic(deed,
                                "in which whoever looks for what came back would put what waits "
                                "into another order",
                                context));
  return Undo{.kind = "delay-rabbitmq-messages", .arguments = to_json(prepared.deed)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(delay, rabbit_deed_from(undo));
  const auto by = duration_in(deed.arguments, "by");
  if (!by) return fail(ErrorCode::invalid, "delay-rabbitmq-messages needs `by`");
  TRY(connection, begin_copies(delay, context));
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*by).count();
  TRY_OK(make_held_queue(delay,
                         Json::object({{"x-message-ttl", std::max<std::int64_t>(milliseconds, 1)},
                                       {"x-dead-letter-exchange", ""},
                                       {"x-dead-letter-routing-key", delay.queue.queue}}),
                         connection));
  return hold_messages(
      delay, hold_in(deed),
      [&](const auto& kept) { return copies_by_mark(kept, delay, context.secrets); }, connection,
      context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(delay, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(delay, context));
  TRY(held, waiting_in_held_queue(delay, context));
  const bool taken = notes.boolean("taken", false);
  const std::int64_t hit = notes.integer("kept", 0), yet = held.value_or(0);
  return Proof{.held = taken,
               .text = taken ? rabbit_count(hit) + " were held back; " + std::to_string(yet) +
                                   " of them still are"
                             : "no message came that could be held back",
               .facts = Json::object({{"hit", hit}, {"held", yet}})};
}

Status undo_delay(const Undo& undo, const DeedContext& context) {
  TRY(delay, rabbit_deed_from(undo));
  return put_back_held(delay, PutBack::found, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(delay, rabbit_deed_from(undo));
  return held_gone(delay, context);
}

}  // namespace

extern const FaultRow delay_rabbitmq_messages_fault;
const FaultRow delay_rabbitmq_messages_fault{
    .name = "delay-rabbitmq-messages",
    .summary = "Has a queue of RabbitMQ hold messages back for a while before it delivers them.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::saved_copy,
    .effect = Effect::slows,
    // A restore brings definitions back, and no message: it supersedes nothing of this.
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on the queue, gameday.* and amq.default; read on the queue, "
        "its dead letters and gameday.*; the tag management",
    .example = "- { fault: delay-rabbitmq-messages, target: jobs, count: 500, by: 20s, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_delay,
    .gone = gone,
    .close = close_held,
    .discover = marks_on_rabbit,
    .as = "delay-messages",
    .may = may_rabbit<RabbitRight::write_queue, RabbitRight::read_queue, RabbitRight::read_dead,
                      RabbitRight::configure_marks, RabbitRight::write_marks,
                      RabbitRight::read_marks, RabbitRight::write_default>};

}  // namespace gameday
