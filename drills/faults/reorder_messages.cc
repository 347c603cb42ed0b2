// Has a queue deliver messages in another order than they came in: it gathers a group and delivers
// that in reverse. At the end what it holds is delivered in its own order again.
#include <chrono>

#include "drills/systems/disturbance.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    kDisturbCount,
    {.name = "window",
     .type = FieldType::integer,
     .help = "How many messages are gathered and then delivered in reverse.",
     .otherwise = "10",
     .least = 2,
     .most = 1000},
    {.name = "hold",
     .type = FieldType::duration,
     .help = "How long a group is waited for until it is full; then it is delivered as it is.",
     .otherwise = "500ms",
     .least = 0.01,
     .most = 60},
    kDisturbWithin};

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  const Duration hold =
      duration_in(deed.arguments, "hold").value_or(std::chrono::milliseconds(500));
  const Json terms = Json::object({{"how", "reorder"},
                                   {"count", deed.arguments.integer("count", 0)},
                                   {"window", deed.arguments.integer("window", 10)},
                                   {"delay_s", std::chrono::duration<double>(hold).count()}});
  return begin_disturbance(deed, terms, undo, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(seen, look_at_disturbance(undo, context));
  return Proof{.held = seen.hit > 0,
               .text = seen.hit == 0
                           ? "no two messages came that could change their places"
                           : count_of_messages(seen.hit) + " have another place; " +
                                 std::to_string(seen.delivered) + " of them were delivered so",
               .facts = to_json(seen)};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(seen, look_at_disturbance(undo, context));
  return Proof{.held = !seen.active && seen.held == 0,
               .text = seen.active
                           ? "the queue delivers in another order"
                           : "the queue delivers in its own order; " +
                                 std::to_string(seen.delivered) + " had been delivered out of it",
               .facts = to_json(seen)};
}

}  // namespace

extern const FaultRow reorder_messages_fault;
const FaultRow reorder_messages_fault{
    .name = "reorder-messages",
    .summary = "Has a queue deliver messages in another order than they came in.",
    .fields = kFields,
    .facet = "queue",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .holds_data = false,
    .rights = "the queue's interface lets this machine disturb it",
    .example = "- { fault: reorder-messages, target: orders, count: 500, window: 10, for: 5s }",
    .prepare = prepare_disturbance,
    .inject = inject,
    .prove = prove,
    .undo = end_disturbance,
    .gone = gone,
    .close = nullptr};

}  // namespace gameday
