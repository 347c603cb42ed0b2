// Fills the queue of a target's dead letters, as it is when nobody has looked after them for long:
// what was in it has been pushed out, and it is as full as it may be. What consumers give up from
// now on pushes out more, or is refused and lost, as the queue's own terms say.
//
// What waits in it is kept first and put back at the end. The fillers are copies of the deed's.
#include <algorithm>

#include "drills/systems/rabbitmq_held.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "count",
     .type = FieldType::integer,
     .help = "How many messages it is filled with at most; where the queue has a largest length, "
             "as many as that, which must not be more.",
     .required = true,
     .least = 1,
     .most = 100000}};

struct Overflow {
  RabbitDeed deed;  // of the dead letters' queue
  std::int64_t fillers = 0;
  std::int64_t limit = 0;        // its largest length; 0: none
  bool drops_the_oldest = true;  // what it does with one more
};

Json to_json(const Overflow& overflow) {
  return to_json(overflow.deed)
      .set("fillers", overflow.fillers)
      .set("limit", overflow.limit)
      .set("drops_the_oldest", overflow.drops_the_oldest);
}

Result<Overflow> overflow_from(const Undo& undo) {
  TRY(deed, rabbit_deed_from(undo));
  return Overflow{deed, undo.arguments.integer("fillers", 0), undo.arguments.integer("limit", 0),
                  undo.arguments.boolean("drops_the_oldest", true)};
}

// A policy's word holds beside the queue's own; of two lengths the shorter one counts.
Result<Overflow> terms_of(const RabbitDeed& deed, const DeedContext& context) {
  TRY(found,
      ask_management(deed.queue, "GET",
                     "/queues/" + std::string(kVhost) + "/" + percent_encoded(deed.queue.queue),
                     context));
  if (found.text("type", "classic") != "classic") {
    return fail(ErrorCode::unsupported, shown(deed.queue) + " is a " + found.text("type") +
                                            " queue, in which whoever looks for the fillers would "
                                            "put what waits into another order");
  }
  const Json& own = found.get("arguments");
  const Json& by_policy = found.get("effective_policy_definition");
  Overflow overflow{.deed = deed};
  for (const std::int64_t length :
       {own.integer("x-max-length", 0), by_policy.integer("max-length", 0)}) {
    if (length > 0 && (overflow.limit == 0 || length < overflow.limit)) overflow.limit = length;
  }
  const std::string how = own.text("x-overflow", by_policy.text("overflow", "drop-head"));
  overflow.drops_the_oldest = how == "drop-head";
  return overflow;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_rabbit(deed, context));
  RabbitDeed made = prepared.deed;
  if (made.queue.dead_letters.empty()) {
    return fail(ErrorCode::unsupported, "target " + deed.target + " names no dead_letters");
  }
  made.queue.queue = made.queue.dead_letters;
  TRY(overflow, terms_of(made, context));
  const std::int64_t count = deed.arguments.integer("count", 0);
  if (overflow.limit > count) {
    return fail(ErrorCode::refused, shown(made.queue) + " may hold " +
                                        rabbit_count(overflow.limit) + ", and `count` is " +
                                        std::to_string(count));
  }
  overflow.fillers = overflow.limit > 0 ? overflow.limit : count;
  return Undo{.kind = "overflow-dead-letters", .arguments = to_json(overflow)};
}

Status fill(const Overflow& overflow, Amqp& connection) {
  constexpr std::int64_t kAtOnce = 1000;
  TRY(channel, connection.channel());
  for (std::int64_t number = 0; number < overflow.fillers;) {
    std::vector<AmqpMessage> some;
    for (; number < overflow.fillers && std::ssize(some) < kAtOnce; ++number) {
      TRY(message, marked_message("a filler of gameday's", overflow.deed, number));
      some.push_back(std::move(message));
    }
    TRY_OK(channel.publish(some));
  }
  return {};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(overflow, overflow_from(undo));
  const RabbitDeed& deed = overflow.deed;
  TRY(connection, begin_copies(deed, context));
  TRY(channel, connection.channel());
  RabbitKeeper keeper(deed, context);
  TRY_OK(keeper.take_all(channel));
  TRY(notes, rabbit_notes(deed, context));
  TRY_OK(note_rabbit(deed, notes.set("kept", keeper.taken()), context));
  TRY_OK(fill(overflow, connection));
  if (keeper.taken() > 0) TRY_OK(channel.acknowledge(keeper.last_tag(), true));
  return note_rabbit(deed, notes.set("taken", true), context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(overflow, overflow_from(undo));
  const RabbitDeed& deed = overflow.deed;
  TRY(notes, rabbit_notes(deed, context));
  TRY(depth, told_by_rabbit(deed.queue, deed.queue.queue, context));
  const bool full = depth.ready >= overflow.fillers;
  std::string text = "the dead letters are " + rabbit_count(depth.ready);
  if (full && overflow.limit > 0) {
    text += overflow.drops_the_oldest ? ", as many as they may: one more pushes the oldest out"
                                      : ", as many as they may: one more is refused";
  }
  return Proof{.held = full && notes.boolean("taken", false),
               .text = std::move(text),
               .facts = Json::object({{"messages", depth.ready},
                                      {"limit", overflow.limit},
                                      {"kept", notes.integer("kept", 0)}})};
}

// What was kept is not put back where that would push out what has come since.
Status check_room(const Overflow& overflow, const Json& notes, const DeedContext& context) {
  if (overflow.limit == 0 || notes.boolean("restored", false)) return {};
  const RabbitDeed& deed = overflow.deed;
  TRY(depth, told_by_rabbit(deed.queue, deed.queue.queue, context));
  TRY(fillers, copies_in(deed.queue.queue, deed, context));
  const std::int64_t kept = notes.boolean("taken", false) ? notes.integer("kept", 0) : 0;
  if (depth.ready - fillers + kept <= overflow.limit) return {};
  return fail(ErrorCode::conflict, shown(deed.queue) + " has no room for the " +
                                       rabbit_count(kept) + " that were in it, which are kept in " +
                                       deed.saved + ".0 and behind it");
}

Status undo_overflow(const Undo& undo, const DeedContext& context) {
  TRY(overflow, overflow_from(undo));
  TRY(notes, rabbit_notes(overflow.deed, context));
  if (!notes.boolean("begun", false)) return {};
  TRY_OK(check_room(overflow, notes, context));
  return put_back_held(overflow.deed, PutBack::all, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(overflow, overflow_from(undo));
  return held_gone(overflow.deed, context);
}

}  // namespace

extern const FaultRow overflow_dead_letters_fault;
const FaultRow overflow_dead_letters_fault{
    .name = "overflow-dead-letters",
    .summary = "Fills the queue of a target's dead letters; what was in it is put back at the end.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::saved_copy,
    .effect = Effect::fills,
    // A restore brings definitions back, and no message: it supersedes nothing of this.
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on the dead letters, gameday.* and amq.default; read on the "
        "dead letters and gameday.*; the tag management",
    .example = "- { fault: overflow-dead-letters, target: jobs, count: 1000, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_overflow,
    .gone = gone,
    .close = close_held,
    .discover = marks_on_rabbit,
    .may =
        may_rabbit<RabbitRight::write_dead, RabbitRight::read_dead, RabbitRight::configure_marks,
                   RabbitRight::write_marks, RabbitRight::read_marks, RabbitRight::write_default>};

}  // namespace gameday
