// Messages that wait in a queue of RabbitMQ expire, as those do that waited longer than the queue
// or their publisher lets them: they are gone, or become dead letters where the queue has a way for
// these. They do so in a queue of the deed's own, in which nothing lives, so that it is the server
// that has them expire, and the queue's own terms need not be touched.
#include "drills/systems/rabbitmq_held.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kHeldCount, kHeldWithin};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_classic(deed,
                                "in which whoever looks for what has expired would put what waits "
                                "into another order",
                                context));
  const RabbitQueue& queue = prepared.deed.queue;
  TRY(way, way_of_dead_letters(queue, context));
  if (!way.is_null() && queue.dead_letters.empty()) {
    return fail(ErrorCode::unsupported,
                shown(queue) +
                    " has its dead letters sent on, and the target does not name the "
                    "queue that they get to, so that they could not be found again",
                "give the target `dead_letters`");
  }
  Json arguments = to_json(prepared.deed);
  arguments.set("way", std::move(way));
  return Undo{.kind = "expire-rabbitmq-messages", .arguments = std::move(arguments)};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(expiry, rabbit_deed_from(undo));
  Json terms = undo.arguments.get("way");
  const bool leads_on = terms.is_object();
  TRY(connection, begin_copies(expiry, context));
  if (leads_on) TRY_OK(make_held_queue(expiry, terms.set("x-message-ttl", 0), connection));
  return hold_messages(
      expiry, hold_in(deed),
      [&](const auto& kept) -> Result<std::vector<AmqpMessage>> {
        if (!leads_on) return std::vector<AmqpMessage>{};
        return copies_by_mark(kept, expiry, context.secrets);
      },
      connection, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(expiry, rabbit_deed_from(undo));
  TRY(notes, rabbit_notes(expiry, context));
  const bool leads_on = undo.arguments.get("way").is_object();
  const bool taken = notes.boolean("taken", false);
  const std::int64_t hit = notes.integer("kept", 0);
  std::int64_t dead = 0;
  if (leads_on) {
    TRY(found, copies_in(expiry.queue.dead_letters, expiry, context));
    dead = found;
  }
  return Proof{.held = taken,
               .text = !taken     ? "no message waited that could expire"
                       : leads_on ? rabbit_count(hit) + " have expired; " + std::to_string(dead) +
                                        " of them wait as dead letters"
                                  : rabbit_count(hit) + " have expired, and are gone",
               .facts = Json::object({{"hit", hit}, {"dead", dead}})};
}

Status undo_expiry(const Undo& undo, const DeedContext& context) {
  TRY(expiry, rabbit_deed_from(undo));
  return put_back_held(expiry, PutBack::all, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(expiry, rabbit_deed_from(undo));
  return held_gone(expiry, context);
}

}  // namespace

extern const FaultRow expire_rabbitmq_messages_fault;
const FaultRow expire_rabbitmq_messages_fault{
    .name = "expire-rabbitmq-messages",
    .summary = "Messages that wait in a queue of RabbitMQ expire: dead letters, or gone.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    // A restore brings definitions back, and no message: it supersedes nothing of this.
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on the queue, gameday.*, amq.default and the exchange that "
        "its dead letters go to; read on the queue, its dead letters and gameday.*; the tag "
        "management",
    .example = "- { fault: expire-rabbitmq-messages, target: jobs, count: 500, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_expiry,
    .gone = gone,
    .close = close_held,
    .discover = marks_on_rabbit,
    .may = may_rabbit<RabbitRight::write_queue, RabbitRight::read_queue, RabbitRight::read_dead,
                      RabbitRight::configure_marks, RabbitRight::write_marks,
                      RabbitRight::read_marks, RabbitRight::write_default, RabbitRight::write_way>};

}  // namespace gameday
