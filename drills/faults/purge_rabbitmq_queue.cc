// Takes every message that waits out of a queue of RabbitMQ and leaves the queue. Messages that are
// out for delivery stay with whoever works on them. What was taken out is put back in addition to
// what has come since.
//
// The server has the messages until they are on disk here and acknowledged. Between the two nothing
// tells whether the acknowledgement has arrived: the undo of a deed that died there looks which of
// them the queue still has, and puts back the others.
#include <algorithm>
#include <map>

#include "drills/systems/rabbitmq_messages.h"
#include "drills/systems/rabbitmq_rights.h"
#include "drills/systems/waiting.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kToEmptyField};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_rabbit(deed, context));
  return Undo{.kind = "purge-rabbitmq-queue", .arguments = to_json(prepared.deed)};
}

// An empty queue is no error here: the proof says that nothing was taken out.
Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(purge, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(purge, context));
  TRY(connection, begin_on_rabbit(purge, context));
  TRY(channel, connection.channel());
  RabbitKeeper keeper(purge, context);
  const auto take_out = [&]() -> Result<bool> {
    TRY_OK(keeper.take_all(channel));
    return keeper.taken() > 0;
  };
  TRY_OK(wait_until_it(take_out, context,
                       duration_in(deed.arguments, "within").value_or(kWithinToEmpty)));
  if (keeper.taken() == 0) return {};
  TRY_OK(note_rabbit(purge, notes.set("kept", keeper.taken()), context));
  TRY_OK(channel.acknowledge(keeper.last_tag(), true));
  return note_rabbit(purge, notes.set("taken", true), context);
}

std::string count_of(std::int64_t messages) {
  return std::to_string(messages) + (messages == 1 ? " message" : " messages");
}

// The server itself has no memory of what was in a queue: what it answered tells that they were
// taken out, and what it counts now is shown beside that.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(purge, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(purge, context));
  TRY(connection, open_rabbit(purge.queue, context));
  TRY(channel, connection.channel());
  TRY(seen, channel.look(purge.queue.queue));
  const bool taken = notes.boolean("taken", false);
  const std::int64_t kept = notes.integer("kept", 0);
  return Proof{.held = taken,
               .text = taken ? count_of(kept) + " were taken out; " + count_of(seen.ready) +
                                   (seen.ready == 1 ? " waits now" : " wait now")
                             : "the queue was empty, so nothing was taken out of it",
               .facts = Json::object({{"purged", kept}, {"messages", seen.ready}})};
}

// What the queue has of messages that were out before, by likeness: one that has come since is
// another, however like. They are taken out and given back, so that nobody gets them meanwhile.
Result<std::map<std::string, std::int64_t>> waiting_in(const RabbitDeed& purge, Amqp& connection) {
  std::map<std::string, std::int64_t> waiting;
  TRY(channel, connection.channel());
  std::uint64_t last = 0;
  while (true) {
    TRY(got, channel.get(purge.queue.queue));
    if (!got) break;
    last = got->tag;
    if (got->message.redelivered) ++waiting[likeness_of(got->message)];
  }
  if (last != 0) TRY_OK(channel.give_back(last, true));
  return waiting;
}

// Of a deed that died between keeping and noting: those that the queue has not are put back.
Status put_back_missing(const RabbitDeed& purge, Json& notes, const DeedContext& context) {
  TRY_OK(wait_for_end(purge, context));
  TRY(connection, open_rabbit(purge.queue, context, rabbit_name(purge.mark)));
  TRY(waiting, waiting_in(purge, connection));
  std::int64_t put_in = 0;
  for (int file = 0;; ++file) {
    TRY(messages, kept_messages(purge, file, context));
    if (!messages) break;
    std::erase_if(*messages,
                  [&](const AmqpMessage& message) { return waiting[likeness_of(message)]-- > 0; });
    if (messages->empty()) continue;
    put_in += static_cast<std::int64_t>(messages->size());
    TRY_OK(put_back(purge, std::move(*messages), connection, context));
  }
  notes.set("put_back", put_in);
  return {};
}

// What was put back once is not put back again, since it may have been delivered meanwhile.
Status undo_purge(const Undo& undo, const DeedContext& context) {
  TRY(purge, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(purge, context));
  if (notes.boolean("restored", false)) return {};
  if (notes.boolean("taken", false)) {
    TRY_OK(put_back_kept(purge, notes, context));
  } else {
    TRY(kept, kept_messages(purge, 0, context));
    if (!kept) return {};
    TRY_OK(put_back_missing(purge, notes, context));
  }
  return note_rabbit(purge, notes.set("restored", true), context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(purge, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(purge, context));
  TRY(terms, look_at_rabbit(purge.queue, context));
  TRY(kept, kept_messages(purge, 0, context));
  const bool restored = notes.boolean("restored", false);
  const std::int64_t put_in = notes.integer("put_back", 0);
  Proof proof{.held = terms.exists && (!kept || restored),
              .text = "",
              .facts = Json::object({{"kept", notes.integer("kept", 0)}, {"put_back", put_in}})};
  proof.text = !terms.exists ? "the queue does not exist"
               : !kept       ? "nothing was taken out of the queue"
               : !restored   ? "what was taken out of the queue is not back"
                             : count_of(put_in) + (put_in == 1 ? " is back" : " are back");
  return proof;
}

Status close_purge(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(purge, rabbit_deed_from(undo));
  return keep ? Status{} : erase_kept(purge, context);
}

}  // namespace

extern const FaultRow purge_rabbitmq_queue_fault;
const FaultRow purge_rabbitmq_queue_fault{
    .name = "purge-rabbitmq-queue",
    .summary =
        "Takes every waiting message out of a queue of RabbitMQ; those out for delivery "
        "stay out.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    // A restore brings definitions back, and no message: it supersedes nothing of this.
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on the queue, gameday.* and amq.default; read on the queue "
        "and gameday.*; the tag management",
    .example = "- { fault: purge-rabbitmq-queue, target: jobs, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_purge,
    .gone = gone,
    .close = close_purge,
    .discover = marks_on_rabbit,
    .as = "purge-queue",
    .may =
        may_rabbit<RabbitRight::write_queue, RabbitRight::read_queue, RabbitRight::configure_marks,
                   RabbitRight::write_marks, RabbitRight::read_marks, RabbitRight::write_default>};

}  // namespace gameday
