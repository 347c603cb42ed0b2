// Stops the broker of a RabbitMQ node, as `rabbitmqctl stop_app` does for an upgrade: its Erlang
// node stays, and with it the way to start the broker again. Clients are cut off; what was not
// durable is gone when it comes back, which a restart is there to find out.
#include "drills/systems/rabbitmq_control.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(control, prepare_control(deed, context));
  TRY(terms, look_at_rabbit(control.deed.queue, context));
  Json arguments = to_json(control);
  arguments.set("durable", terms.durable);
  return Undo{.kind = "stop-app", .arguments = std::move(arguments)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(control, rabbit_control_from(undo));
  TRY_OK(note_rabbit(control.deed, Json::object({{"begun", true}}), context));
  TRY(told, tell_node(control, {"stop_app"}, context));
  return {};
}

// Whether it lets a client in.
Result<bool> answers(const RabbitControl& control, const DeedContext& context) {
  const auto connection = open_rabbit(control.deed.queue, context);
  if (connection) return true;
  const ErrorCode code = connection.error().code;
  if (code == ErrorCode::stopped || code == ErrorCode::timed_out) {
    return std::unexpected(connection.error());
  }
  return false;
}

Result<bool> runs(const RabbitControl& control, const DeedContext& context) {
  const auto told = evaluated(control, "rabbit:is_running()", context);
  if (!told) return std::unexpected(told.error());
  return *told == "true";
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(control, rabbit_control_from(undo));
  TRY(let_in, answers(control, context));
  if (let_in) {
    return Proof{.held = false, .text = "the node lets clients in", .facts = Json::object()};
  }
  TRY(running, runs(control, context));
  return Proof{.held = !running,
               .text = running ? "the node lets nobody in, but its broker runs"
                               : "the node's broker is stopped, and lets nobody in",
               .facts = Json::object({{"running", running}})};
}

// A broker that this deed has not stopped is not its to start.
Status undo_stop(const Undo& undo, const DeedContext& context) {
  TRY(control, rabbit_control_from(undo));
  TRY(notes, rabbit_notes(control.deed, context));
  if (!notes.boolean("begun", false)) return {};
  TRY(told, tell_node(control, {"start_app"}, context));
  return {};
}

// A queue that was not durable does not come back, and nobody could make it as it was: that is no
// residue of ours, but the drill has failed by it, and its verdict names it.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(control, rabbit_control_from(undo));
  const RabbitQueue& queue = control.deed.queue;
  TRY(let_in, answers(control, context));
  if (!let_in) {
    return Proof{.held = false, .text = "the node lets nobody in", .facts = Json::object()};
  }
  TRY(terms, look_at_rabbit(queue, context));
  Proof proof{.held = true,
              .text = "the node lets clients in",
              .facts = Json::object({{"exists", terms.exists}})};
  if (terms.exists) return proof;
  const std::string lost = undo.arguments.boolean("durable", true)
                               ? "there is no " + shown(queue)
                               : shown(queue) +
                                     " was not durable, and is gone with all that was "
                                     "in it";
  proof.text += "; " + lost;
  proof.facts.set("lost", lost);
  return proof;
}

Status close_stop(const Undo& undo, bool, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  return erase_kept(deed, context);
}

// rabbitmqctl last: it takes its time.
Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(may_rabbit<>(deed, context));
  return may_control(deed, context);
}

}  // namespace

extern const FaultRow stop_app_fault;
const FaultRow stop_app_fault{
    .name = "stop-app",
    .summary = "Stops the broker of a RabbitMQ node, and starts it again; its clients are cut off.",
    .fields = {},
    .facet = "rabbitmq",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .holds_data = false,
    .rights =
        "to run rabbitmqctl for the node: be its user, or root, or whoever may enter its "
        "container; the tag management",
    .example = "- { fault: stop-app, target: jobs, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_stop,
    .gone = gone,
    .close = close_stop,
    .may = may};

}  // namespace gameday
