// Has a queue of RabbitMQ deliver the messages that wait in another order: group by group in
// reverse. At the end those that nobody has got are put into their own order again, behind what has
// come since.
#include <algorithm>

#include "drills/systems/rabbitmq_held.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    kHeldCount,
    {.name = "window",
     .type = FieldType::integer,
     .help = "How many messages that follow each other are put into reverse order.",
     .otherwise = "10",
     .least = 2,
     .most = 1000},
    kHeldWithin};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared,
      prepare_classic(deed, "which has no order that a message could be put back into", context));
  return Undo{.kind = "reorder-rabbitmq-messages", .arguments = to_json(prepared.deed)};
}

Result<std::vector<AmqpMessage>> in_reverse(const std::vector<AmqpMessage>& kept,
                                            std::size_t window, const RabbitDeed& deed,
                                            const Secrets& secrets) {
  TRY(user, rabbit_user(deed.queue, secrets));
  std::vector<AmqpMessage> copies;
  for (const auto& message : kept) {
    TRY(copy, copy_of(message, deed, static_cast<std::int64_t>(copies.size()), user));
    copies.push_back(std::move(copy));
  }
  for (std::size_t first = 0; first < copies.size(); first += window) {
    const std::size_t last = std::min(first + window, copies.size());
    std::ranges::reverse(std::span(copies).subspan(first, last - first));
  }
  return copies;
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(reordering, rabbit_deed_from(undo));
  TRY(connection, begin_copies(reordering, context));
  const auto window = static_cast<std::size_t>(deed.arguments.integer("window", 10));
  return hold_messages(
      reordering, hold_in(deed),
      [&](const auto& kept) { return in_reverse(kept, window, reordering, context.secrets); },
      connection, context);
}

// One message alone has no order.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(reordering, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(reordering, context));
  TRY(waiting, copies_in(reordering.queue.queue, reordering, context));
  const std::int64_t hit = notes.boolean("taken", false) ? notes.integer("kept", 0) : 0;
  return Proof{.held = hit > 1,
               .text = hit <= 1 ? "no two messages waited that could change their places"
                                : rabbit_count(hit) + " have another place; " +
                                      std::to_string(hit - waiting) + " of them were delivered so",
               .facts = Json::object({{"hit", hit}, {"waiting", waiting}})};
}

Status undo_reordering(const Undo& undo, const DeedContext& context) {
  TRY(reordering, rabbit_deed_from(undo));
  return put_back_held(reordering, PutBack::found, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(reordering, rabbit_deed_from(undo));
  return held_gone(reordering, context);
}

}  // namespace

extern const FaultRow reorder_rabbitmq_messages_fault;
const FaultRow reorder_rabbitmq_messages_fault{
    .name = "reorder-rabbitmq-messages",
    .summary = "Has a queue of RabbitMQ deliver messages in another order than they came in.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::saved_copy,
    .effect = Effect::slows,
    // A restore brings definitions back, and no message: it supersedes nothing of this.
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on the queue, gameday.* and amq.default; read on the queue, "
        "its dead letters and gameday.*; the tag management",
    .example = "- { fault: reorder-rabbitmq-messages, target: jobs, count: 500, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_reordering,
    .gone = gone,
    .close = close_held,
    .discover = marks_on_rabbit,
    .as = "reorder-messages",
    .may = may_rabbit<RabbitRight::write_queue, RabbitRight::read_queue, RabbitRight::read_dead,
                      RabbitRight::configure_marks, RabbitRight::write_marks,
                      RabbitRight::read_marks, RabbitRight::write_default>};

}  // namespace gameday
