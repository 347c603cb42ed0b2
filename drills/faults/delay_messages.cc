// Has a queue hold messages back for a while before it delivers them. At the end whatever is still
// held is delivered at once.
#include <chrono>

#include "drills/systems/disturbance.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {kDisturbCount,
                             {.name = "by",
                              .type = FieldType::duration,
                              .help = "How long each of them is held back, at most until the end.",
                              .required = true,
                              .least = 0.001,
                              .most = 3600},
                             kDisturbShare,
                             kDisturbWithin};

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  const auto by = duration_in(deed.arguments, "by");
  if (!by) return fail(ErrorCode::invalid, "delay-messages needs `by`");
  const Json terms = Json::object({{"how", "delay"},
                                   {"count", deed.arguments.integer("count", 0)},
                                   {"share", percent_in(deed.arguments, "share").value_or(1)},
                                   {"delay_s", std::chrono::duration<double>(*by).count()}});
  return begin_disturbance(deed, terms, undo, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(seen, look_at_disturbance(undo, context));
  return Proof{.held = seen.hit > 0,
               .text = seen.hit == 0 ? "no message came that could be held back"
                                     : count_of_messages(seen.hit) + " were held back; " +
                                           std::to_string(seen.held) + " of them still are",
               .facts = to_json(seen)};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(seen, look_at_disturbance(undo, context));
  return Proof{.held = !seen.active && seen.held == 0,
               .text = seen.active     ? "the queue holds messages back"
                       : seen.held > 0 ? count_of_messages(seen.held) + " are still held back"
                                       : "no message is held back any more",
               .facts = to_json(seen)};
}

}  // namespace

extern const FaultRow delay_messages_fault;
const FaultRow delay_messages_fault{
    .name = "delay-messages",
    .summary = "Has a queue hold messages back for a while before it delivers them.",
    .fields = kFields,
    .facet = "queue",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .holds_data = false,
    .rights = "the queue's interface lets this machine disturb it",
    .example = "- { fault: delay-messages, target: orders, count: 500, by: 2s, for: 5s }",
    .prepare = prepare_disturbance,
    .inject = inject,
    .prove = prove,
    .undo = end_disturbance,
    .gone = gone,
    .close = nullptr};

}  // namespace gameday
