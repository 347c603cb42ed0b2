// Drops a queue of RabbitMQ with everything in it. What waited in it is kept first and put back in
// addition to what has come since. Two things go with the queue: what consumers hold without having
// acknowledged it, and what the server has already confirmed to a publisher and not yet put into
// the queue when it is dropped, which is the loss that such a drop is.
//
// One life of a queue is told by a binding to an exchange of the deed's own: bindings die with
// their queue, so that one which is gone proves the drop, also where the system has made the queue
// again at once. The exchange goes with its last binding.
#include "drills/systems/rabbitmq_messages.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "restore_messages",
     .type = FieldType::boolean,
     .help = "Whether the undo puts the messages back; with false it only makes the queue again, "
             "to see whether the system makes good what was in it.",
     .otherwise = "true"}};

struct Drop {
  RabbitDeed deed;
  AmqpDeclaration terms;
  Json bindings = Json::array();
  bool restore_messages = true;
};

Json to_json(const Drop& drop) {
  Json written = to_json(drop.deed);
  return written.set("durable", drop.terms.durable)
      .set("auto_delete", drop.terms.auto_delete)
      .set("arguments", drop.terms.arguments)
      .set("bindings", drop.bindings)
      .set("restore_messages", drop.restore_messages);
}

Result<Drop> drop_from(const Undo& undo) {
  TRY(deed, rabbit_deed_from(undo));
  const Json& written = undo.arguments;
  if (!written.get("arguments").is_object() || !written.get("bindings").is_array()) {
    return fail(ErrorCode::invalid, "the undo of a dropped queue lacks its arguments or bindings");
  }
  const AmqpDeclaration terms{.queue = deed.queue.queue,
                              .durable = written.boolean("durable", true),
                              .auto_delete = written.boolean("auto_delete", false),
                              .arguments = written.get("arguments")};
  return Drop{deed, terms, written.get("bindings"), written.boolean("restore_messages", true)};
}

AmqpBinding mark_of(const Drop& drop) {
  return {.queue = drop.terms.queue, .exchange = rabbit_exchange(drop.deed.mark)};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_rabbit(deed, context));
  if (prepared.terms.type != "classic") {
    return fail(ErrorCode::unsupported,
                shown(prepared.deed.queue) + " is a " + prepared.terms.type +
                    " queue, which the server does not drop on condition that it is empty, so "
                    "that a message could be lost unseen",
                "purge-rabbitmq-queue takes its messages out");
  }
  TRY(bindings, bindings_of_rabbit(prepared.deed.queue, context));
  Drop drop{.deed = prepared.deed, .terms = {}, .bindings = bindings};
  drop.terms = {.queue = prepared.deed.queue.queue,
                .durable = prepared.terms.durable,
                .auto_delete = prepared.terms.auto_delete,
                .arguments = prepared.terms.arguments};
  drop.restore_messages = deed.arguments.boolean("restore_messages", true);
  return Undo{.kind = "drop-rabbitmq-queue", .arguments = to_json(drop)};
}

// Takes out and keeps what waits until the server finds the queue empty: it drops no message that
// is not on disk. Messages that come faster than this are a reason to fail.
Status drop_once_empty(const Drop& drop, RabbitKeeper& keeper, Amqp& connection) {
  TRY(channel, connection.channel());
  while (true) {
    TRY_OK(keeper.take_all(channel));
    TRY(dropping, connection.channel());
    const auto dropped = dropping.remove(drop.terms.queue, true);
    if (dropped || dropped.error().code != ErrorCode::conflict) return dropped;
  }
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  const RabbitDeed& deed = drop.deed;
  TRY(notes, rabbit_notes(deed, context));
  TRY(held, depth_of_rabbit(deed.queue, deed.queue.queue, context));
  TRY(connection, begin_on_rabbit(deed, context));
  TRY(marking, connection.channel());
  TRY_OK(marking.declare_exchange(rabbit_exchange(deed.mark)));
  TRY_OK(marking.bind(mark_of(drop)));
  notes.set("marked", true).set("held_by_consumers", held.unacknowledged);
  TRY_OK(note_rabbit(deed, notes, context));
  RabbitKeeper keeper(deed, context);
  TRY_OK(drop_once_empty(drop, keeper, connection));
  notes.set("kept", keeper.taken());
  return note_rabbit(deed, notes, context);
}

struct Seen {
  bool exists = false;
  bool marked = false;  // the mark's binding is there: it is the queue that was marked
};

Result<Seen> look_for_mark(const Drop& drop, const DeedContext& context) {
  TRY(terms, look_at_rabbit(drop.deed.queue, context));
  if (!terms.exists) return Seen{};
  TRY(bindings, bindings_of_rabbit(drop.deed.queue, context));
  Seen seen{.exists = true};
  for (const Json& binding : bindings.items()) {
    seen.marked = seen.marked || binding.text("exchange") == mark_of(drop).exchange;
  }
  return seen;
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(notes, rabbit_notes(drop.deed, context));
  TRY(seen, look_for_mark(drop, context));
  const bool held = notes.boolean("marked", false) && !seen.marked;
  const std::int64_t working = notes.integer("held_by_consumers", 0);
  std::string text = !held         ? "the queue is still there"
                     : seen.exists ? "the queue was dropped and has been made again"
                                   : "the queue does not exist";
  if (held && working > 0) {
    text += "; consumers held " + std::to_string(working) + " of its messages, which went with it";
  }
  return Proof{.held = held,
               .text = std::move(text),
               .facts = Json::object({{"exists", seen.exists},
                                      {"kept", notes.integer("kept", 0)},
                                      {"held_by_consumers", working}})};
}

// The queue with its terms and bindings; one that somebody has made meanwhile stays as it is.
Status make_again(const Drop& drop, bool exists, const DeedContext& context) {
  TRY(connection, open_rabbit(drop.deed.queue, context, rabbit_name(drop.deed.mark)));
  TRY(channel, connection.channel());
  if (!exists) TRY_OK(channel.declare(drop.terms));
  for (const Json& binding : drop.bindings.items()) {
    TRY_OK(channel.bind({.queue = drop.terms.queue,
                         .exchange = binding.text("exchange"),
                         .routing_key = binding.text("routing_key"),
                         .arguments = binding.get("arguments")}));
  }
  return {};
}

// Where nothing was dropped. The note comes first: once the mark is gone, only it tells that. The
// mark may be one that is bound to nothing yet.
Status take_mark_away(const Drop& drop, Json notes, const DeedContext& context) {
  notes.set("marked", false);
  TRY_OK(note_rabbit(drop.deed, notes, context));
  TRY(connection, open_rabbit(drop.deed.queue, context, rabbit_name(drop.deed.mark)));
  TRY(channel, connection.channel());
  return channel.remove_exchange(mark_of(drop).exchange);
}

// What was put back once is not put back again, since it may have been delivered meanwhile.
Status undo_drop(const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(notes, rabbit_notes(drop.deed, context));
  TRY(seen, look_for_mark(drop, context));
  if (seen.marked) {
    // A drop that is still under way may come to pass until its connection has ended.
    TRY_OK(wait_for_end(drop.deed, context));
    TRY(still, look_for_mark(drop, context));
    if (still.marked) return take_mark_away(drop, notes, context);
    seen = still;
  }
  if (!notes.boolean("marked", false)) return take_mark_away(drop, notes, context);
  if (seen.exists && notes.boolean("restored", false)) return {};
  TRY_OK(make_again(drop, seen.exists, context));
  if (notes.boolean("restored", false)) notes.set("files_back", 0).set("put_back", 0);
  if (drop.restore_messages) TRY_OK(put_back_kept(drop.deed, notes, context));
  notes.set("restored", true);
  return note_rabbit(drop.deed, notes, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(notes, rabbit_notes(drop.deed, context));
  TRY(seen, look_for_mark(drop, context));
  const bool dropped = notes.boolean("marked", false) && !seen.marked;
  const bool restored = notes.boolean("restored", false);
  Proof proof{.held = seen.exists && !seen.marked && (!dropped || restored),
              .text = "",
              .facts = Json::object({{"exists", seen.exists},
                                     {"kept", notes.integer("kept", 0)},
                                     {"put_back", notes.integer("put_back", 0)}})};
  proof.text = !seen.exists             ? "the queue does not exist"
               : seen.marked            ? "the mark is still on the queue"
               : !dropped               ? "the queue was never dropped"
               : !restored              ? "the queue is there again, without what was in it"
               : !drop.restore_messages ? "the queue is there again; nothing was to be put back"
                                        : "the queue is there again, with what was kept of it";
  return proof;
}

Status close_drop(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  return keep ? Status{} : erase_kept(drop.deed, context);
}

}  // namespace

extern const FaultRow drop_rabbitmq_queue_fault;
const FaultRow drop_rabbitmq_queue_fault{
    .name = "drop-rabbitmq-queue",
    .summary = "Drops a queue of RabbitMQ with everything that is in it.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    // A restore brings definitions back, and no message: it supersedes nothing of this.
    .holds_data = false,
    .rights =
        "configure on the queue and gameday.*; write on the queue, gameday.*, amq.default and the "
        "exchange that its own x-dead-letter-exchange names; read on the queue, gameday.* and the "
        "exchanges that it is bound to; the tag management",
    .example = "- { fault: drop-rabbitmq-queue, target: jobs, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_drop,
    .gone = gone,
    .close = close_drop,
    .discover = marks_on_rabbit,
    .as = "drop-queue",
    .may =
        may_rabbit<RabbitRight::configure_queue, RabbitRight::write_queue, RabbitRight::read_queue,
                   RabbitRight::read_bound, RabbitRight::configure_marks, RabbitRight::write_marks,
                   RabbitRight::read_marks, RabbitRight::write_default,
                   RabbitRight::write_own_way>};

}  // namespace gameday
