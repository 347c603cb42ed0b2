// Puts messages into a queue of RabbitMQ that no consumer can work on. They carry the deed's mark,
// by which they are found again, waiting or given up, and are taken out.
#include "drills/systems/rabbitmq_copies.h"
#include "drills/systems/rabbitmq_rights.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "count",
     .type = FieldType::integer,
     .help = "How many such messages are put in.",
     .otherwise = "3",
     .least = 1,
     .most = 1000},
    {.name = "body",
     .type = FieldType::text,
     .help = "What stands in each of them; anything that is no message of this system.",
     .otherwise = "this is no message of yours"}};

struct Poison {
  RabbitDeed deed;
  std::int64_t count = 0;
};

Result<Poison> poison_from(const Undo& undo) {
  TRY(deed, rabbit_deed_from(undo));
  return Poison{deed, undo.arguments.integer("count", 0)};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_classic(deed,
                                "in which whoever looks for the poison would put what waits into "
                                "another order",
                                context));
  TRY(held, depth_of_rabbit(prepared.deed.queue, prepared.deed.queue.queue, context));
  if (held.ready > kMostLookedThrough) {
    return fail(ErrorCode::refused, shown(prepared.deed.queue) + " holds " +
                                        rabbit_count(held.ready) +
                                        ", too many to look through for the poison");
  }
  Json arguments = to_json(prepared.deed);
  arguments.set("count", deed.arguments.integer("count", 3));
  return Undo{.kind = "poison-rabbitmq-queue", .arguments = std::move(arguments)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  TRY(connection, begin_copies(poison.deed, context));
  TRY(channel, connection.channel());
  std::vector<AmqpMessage> messages;
  for (std::int64_t number = 0; number < poison.count; ++number) {
    TRY(message, marked_message(deed.arguments.text("body"), poison.deed, number));
    messages.push_back(std::move(message));
  }
  TRY_OK(channel.publish(messages));
  TRY(notes, rabbit_notes(poison.deed, context));
  return note_rabbit(poison.deed, notes.set("put_in", poison.count), context);
}

struct Seen {
  std::int64_t waiting = 0;
  std::int64_t dead = 0;
  std::int64_t out = 0;  // of the queue, whosever: which of them are poison nobody can tell
  [[nodiscard]] std::int64_t all() const { return waiting + dead; }
};

// The dead ones last: a message goes that way only, so that none is overlooked.
Result<Seen> look_for(const Poison& poison, const DeedContext& context) {
  Seen seen;
  const RabbitQueue& queue = poison.deed.queue;
  TRY(depth, told_by_rabbit(queue, queue.queue, context));
  seen.out = depth.unacknowledged;
  for (const auto& name : whereabouts(poison.deed)) {
    TRY(count, copies_in(name, poison.deed, context));
    (name == queue.queue ? seen.waiting : seen.dead) += count;
  }
  return seen;
}

Json facts_of(const Seen& seen) {
  return Json::object({{"waiting", seen.waiting}, {"dead", seen.dead}, {"out", seen.out}});
}

std::string shown(const Seen& seen) {
  return std::to_string(seen.waiting) + " waiting, " + std::to_string(seen.dead) + " given up";
}

// What consumers hold may be the rest of it; what they have acknowledged was no poison to them.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  TRY(notes, rabbit_notes(poison.deed, context));
  TRY(seen, look_for(poison, context));
  const std::int64_t put_in = notes.integer("put_in", 0);
  return Proof{.held = put_in > 0 && seen.all() + seen.out >= put_in,
               .text = "of " + std::to_string(put_in) + " poison messages " + shown(seen) +
                       "; consumers hold " + rabbit_count(seen.out) + " of the queue",
               .facts = facts_of(seen)};
}

// One that a consumer has in its hands comes back, or is given up, a moment later.
Status undo_poison(const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  TRY(removed, end_copies(poison.deed, context));
  TRY(notes, rabbit_notes(poison.deed, context));
  const std::int64_t before = notes.integer("removed", 0);
  TRY_OK(note_rabbit(poison.deed, notes.set("removed", before + removed), context));
  const std::int64_t missing = notes.integer("put_in", 0) - before - removed;
  if (missing <= 0) return {};
  const auto comes_back = [&]() -> Result<bool> {
    TRY(seen, look_for(poison, context));
    return seen.all() > 0 || seen.out == 0;
  };
  TRY_OK(wait_until_it(comes_back, context, std::chrono::seconds(1)));
  TRY(late, end_copies(poison.deed, context));
  return note_rabbit(poison.deed, notes.set("removed", before + removed + late), context);
}

// A queue that does not exist has none in it.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  TRY(marked, mark_stands(poison.deed, context));
  const auto seen = look_for(poison, context);
  if (!seen && seen.error().code == ErrorCode::not_found) {
    return Proof{.held = !marked, .text = "the queue does not exist", .facts = Json::object()};
  }
  if (!seen) return std::unexpected(seen.error());
  return Proof{.held = seen->all() == 0 && !marked,
               .text = seen->all() > 0 ? "poison messages are left: " + shown(*seen)
                       : marked        ? "the mark is still there"
                       : seen->out > 0 ? "no poison message waits; consumers hold " +
                                             rabbit_count(seen->out) + ", which cannot be seen"
                                       : "no poison message is left",
               .facts = facts_of(*seen)};
}

Status close_poison(const Undo& undo, bool, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  return erase_kept(deed, context);
}

}  // namespace

extern const FaultRow poison_rabbitmq_queue_fault;
const FaultRow poison_rabbitmq_queue_fault{
    .name = "poison-rabbitmq-queue",
    .summary = "Puts messages into a queue of RabbitMQ that no consumer can work on.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on amq.default; read on the queue and its dead letters; the "
        "tag management",
    .example = "- { fault: poison-rabbitmq-queue, target: jobs, count: 3, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_poison,
    .gone = gone,
    .close = close_poison,
    .discover = marks_on_rabbit,
    .as = "poison",
    .may = may_rabbit<RabbitRight::read_queue, RabbitRight::read_dead, RabbitRight::configure_marks,
                      RabbitRight::write_default>};

}  // namespace gameday
