// Has a queue of RabbitMQ deliver messages twice, as a publisher does that has lost a confirmation
// and sends once more. The copies that nobody has got are taken back; what a consumer has made of
// the others stays, which is why its reversal is none.
#include <algorithm>

#include "drills/systems/rabbitmq_copies.h"
#include "drills/systems/rabbitmq_rights.h"
#include "drills/systems/waiting.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "count",
     .type = FieldType::integer,
     .help = "How many of the messages that wait are put in once more, at most.",
     .required = true,
     .least = 1,
     .most = 10000},
    {.name = "within",
     .type = FieldType::duration,
     .help = "How long it waits for a first message: without one it is not proven.",
     .otherwise = "5s",
     .least = 0.001,
     .most = 10}};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(prepared, prepare_classic(deed,
                                "in which whoever looks for the copies would put what waits into "
                                "another order",
                                context));
  return Undo{.kind = "duplicate-rabbitmq-messages", .arguments = to_json(prepared.deed)};
}

// What was taken out goes back into its place only after its copies are in: before that, a consumer
// could be done with it.
Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(doubling, rabbit_deed_from(undo));
  TRY(connection, begin_copies(doubling, context));
  TRY(user, rabbit_user(doubling.queue, context.secrets));
  TRY(channel, connection.channel());
  const std::int64_t most = deed.arguments.integer("count", 0);
  std::vector<AmqpMessage> copies;
  std::uint64_t last = 0;
  const auto take_out = [&]() -> Result<bool> {
    while (static_cast<std::int64_t>(copies.size()) < most) {
      TRY(got, channel.get(doubling.queue.queue));
      if (!got) break;
      last = got->tag;
      TRY(copy, copy_of(got->message, doubling, static_cast<std::int64_t>(copies.size()), user));
      copies.push_back(std::move(copy));
    }
    return !copies.empty();
  };
  TRY_OK(wait_until_it(take_out, context,
                       duration_in(deed.arguments, "within").value_or(kWithinToEmpty)));
  if (copies.empty()) return {};
  TRY(publishing, connection.channel());
  TRY_OK(publishing.publish(copies));
  TRY(notes, rabbit_notes(doubling, context));
  notes.set("hit", static_cast<std::int64_t>(copies.size()));
  TRY_OK(note_rabbit(doubling, notes, context));
  return channel.give_back(last, true);
}

struct Seen {
  std::int64_t hit = 0;
  std::int64_t waiting = 0;  // copies, also given up
  std::int64_t taken_back = 0;
  [[nodiscard]] std::int64_t delivered() const { return hit - waiting - taken_back; }
};

Result<Seen> look_for(const RabbitDeed& doubling, const DeedContext& context) {
  TRY(notes, rabbit_notes(doubling, context));
  Seen seen{.hit = notes.integer("hit", 0), .taken_back = notes.integer("taken_back", 0)};
  for (const auto& queue : whereabouts(doubling)) {
    TRY(count, copies_in(queue, doubling, context));
    seen.waiting += count;
  }
  return seen;
}

Json to_json(const Seen& seen) {
  return Json::object({{"hit", seen.hit}, {"delivered", seen.delivered()}});
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(doubling, rabbit_deed_from(undo));
  TRY(seen, look_for(doubling, context));
  return Proof{.held = seen.hit > 0,
               .text = seen.hit == 0 ? "no message waited that could be put in twice"
                                     : rabbit_count(seen.hit) +
                                           " were put in once more; consumers have got " +
                                           std::to_string(seen.delivered()) + " of the copies",
               .facts = to_json(seen)};
}

Status undo_doubling(const Undo& undo, const DeedContext& context) {
  TRY(doubling, rabbit_deed_from(undo));
  TRY(removed, end_copies(doubling, context));
  TRY(notes, rabbit_notes(doubling, context));
  return note_rabbit(doubling, notes.set("taken_back", notes.integer("taken_back", 0) + removed),
                     context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(doubling, rabbit_deed_from(undo));
  TRY(seen, look_for(doubling, context));
  TRY(marked, mark_stands(doubling, context));
  return Proof{.held = seen.waiting == 0 && !marked,
               .text = seen.waiting > 0 ? rabbit_count(seen.waiting) + " wait as copies"
                       : marked         ? "the mark is still there"
                       : seen.hit == 0  ? "no message was put in once more"
                       : seen.delivered() == 0
                           ? "all copies were taken back before anybody had got them"
                           : "no copy waits any more; of the " + std::to_string(seen.hit) + " " +
                                 std::to_string(seen.delivered()) +
                                 " had been delivered, which nothing takes back",
               .facts = to_json(seen)};
}

Status close_doubling(const Undo& undo, bool, const DeedContext& context) {
  TRY(doubling, rabbit_deed_from(undo));
  return erase_kept(doubling, context);
}

}  // namespace

extern const FaultRow duplicate_rabbitmq_messages_fault;
const FaultRow duplicate_rabbitmq_messages_fault{
    .name = "duplicate-rabbitmq-messages",
    .summary = "Has a queue of RabbitMQ deliver messages twice; delivered copies stay so.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::none,
    .effect = Effect::slows,
    .holds_data = false,
    .rights =
        "configure on gameday.*; write on amq.default; read on the queue and its dead letters; the "
        "tag management",
    .example =
        "- { fault: duplicate-rabbitmq-messages, target: jobs, count: 20, for: 5s, "
        "allow_irreversible: consumers take each job once }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_doubling,
    .gone = gone,
    .close = close_doubling,
    .discover = marks_on_rabbit,
    .as = "duplicate-messages",
    .may = may_rabbit<RabbitRight::read_queue, RabbitRight::read_dead, RabbitRight::configure_marks,
                      RabbitRight::write_default>};

}  // namespace gameday
