// Has a queue deliver messages twice, as one that lost a confirmation does. The copies that nobody
// has got are taken back; what a consumer has made of the others stays, which is why its reversal
// is none.
#include "drills/systems/disturbance.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kDisturbCount, kDisturbShare, kDisturbWithin};

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  const Json terms = Json::object({{"how", "duplicate"},
                                   {"count", deed.arguments.integer("count", 0)},
                                   {"share", percent_in(deed.arguments, "share").value_or(1)}});
  return begin_disturbance(deed, terms, undo, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(seen, look_at_disturbance(undo, context));
  return Proof{.held = seen.hit > 0,
               .text = seen.hit == 0 ? "no message came that could be put in twice"
                                     : count_of_messages(seen.hit) +
                                           " were put in once more; consumers have got " +
                                           std::to_string(seen.delivered) + " of the copies",
               .facts = to_json(seen)};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(seen, look_at_disturbance(undo, context));
  Proof proof{
      .held = !seen.active, .text = "the queue puts messages in once more", .facts = to_json(seen)};
  if (seen.active) return proof;
  proof.text = seen.hit == 0 ? "no message was put in once more"
               : seen.delivered == 0
                   ? "all copies were taken back before anybody had got them"
                   : "the queue puts nothing in twice any more; of the " +
                         std::to_string(seen.hit) + " copies " + std::to_string(seen.delivered) +
                         " had been delivered, which nothing takes back";
  return proof;
}

}  // namespace

extern const FaultRow duplicate_messages_fault;
const FaultRow duplicate_messages_fault{
    .name = "duplicate-messages",
    .summary = "Has a queue deliver messages twice; copies that were delivered are not taken back.",
    .fields = kFields,
    .facet = "queue",
    .reversal = Reversal::none,
    .effect = Effect::slows,
    .holds_data = false,
    .rights = "the queue's interface lets this machine disturb it",
    .example =
        "- { fault: duplicate-messages, target: orders, count: 20, for: 5s, "
        "allow_irreversible: consumers take each key once }",
    .prepare = prepare_disturbance,
    .inject = inject,
    .prove = prove,
    .undo = end_disturbance,
    .gone = gone,
    .close = nullptr};

}  // namespace gameday
