// Blocks everybody who publishes to a RabbitMQ node, by an alarm of the node's own: a watermark
// that it is far beyond. Consumers go on. Whoever publishes is not refused but not read from any
// more, which is what a broker does that runs out of memory or disk.
//
// The watermark is the mark: it is put back where it still is what this deed has set.
#include <algorithm>

#include "drills/systems/rabbitmq_control.h"
#include "drills/systems/rabbitmq_rights.h"

namespace gameday {
namespace {

constexpr std::string_view kBys[] = {"memory", "disk"};

constexpr Field kFields[] = {
    {.name = "by",
     .type = FieldType::choice,
     .help = "Which of its alarms: that it has too little memory, or too little disk.",
     .otherwise = "memory",
     .choices = kBys}};

// Nobody has that little memory, or that much disk.
constexpr const char* kLittleMemory = "4711";
constexpr const char* kMuchDisk = "4711000000000000";

struct Alarm {
  RabbitControl control;
  bool by_disk = false;
  std::string before;  // as Erlang writes it: 0.4, {absolute,1000}, 50000000
};

Result<Alarm> alarm_from(const Undo& undo) {
  TRY(control, rabbit_control_from(undo));
  Alarm alarm{control, undo.arguments.text("by") == "disk", undo.arguments.text("before")};
  if (alarm.before.empty()) {
    return fail(ErrorCode::invalid, "the undo of block-publishers lacks the watermark");
  }
  return alarm;
}

Result<std::string> watermark(const Alarm& alarm, const DeedContext& context) {
  return evaluated(alarm.control,
                   alarm.by_disk ? "rabbit_disk_monitor:get_disk_free_limit()"
                                 : "vm_memory_monitor:get_vm_memory_high_watermark()",
                   context);
}

std::string ours(const Alarm& alarm) {
  return alarm.by_disk ? kMuchDisk : "{absolute," + std::string(kLittleMemory) + "}";
}

// What sets such a watermark again.
std::vector<std::string> words_for(const Alarm& alarm, std::string value) {
  if (alarm.by_disk) return {"set_disk_free_limit", value};
  constexpr std::string_view kAbsolute = "{absolute,";
  if (!value.starts_with(kAbsolute)) return {"set_vm_memory_high_watermark", value};
  value = value.substr(kAbsolute.size());
  std::erase_if(value, [](char c) { return c == '}' || c == '"'; });
  return {"set_vm_memory_high_watermark", "absolute", value};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(control, prepare_control(deed, context));
  const std::string by = deed.arguments.text("by", "memory");
  TRY(before, watermark({control, by == "disk", ""}, context));
  if (before == ours({control, by == "disk", ""})) {
    return fail(ErrorCode::conflict, "the node of " + shown(control.deed.queue) +
                                         " has the watermark of a drill: " + before);
  }
  Json arguments = to_json(control);
  arguments.set("by", by).set("before", before);
  return Undo{.kind = "block-publishers", .arguments = std::move(arguments)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(alarm, alarm_from(undo));
  TRY_OK(note_rabbit(alarm.control.deed, Json::object({{"begun", true}}), context));
  TRY(told, tell_node(alarm.control, words_for(alarm, ours(alarm)), context));
  return {};
}

// Whether the server takes a message that no queue is there for: it gives it back at once, or has
// not read it yet when it has answered somebody who asked later. It stops reading behind a
// message's header, so that only one with a body is held.
Result<bool> takes_messages(const RabbitQueue& queue, const DeedContext& context) {
  constexpr Duration kPatience = std::chrono::seconds(1);
  DeedContext brief = context;
  brief.until.deadline = std::min(context.until.deadline, context.doors.clock.in(kPatience));
  TRY(asking, open_rabbit(queue, context));
  TRY(answered, asking.channel());
  TRY(publishing, open_rabbit(queue, brief));
  TRY(channel, publishing.channel());
  const AmqpMessage message{"is it read?", "", "", "gameday.asks-for-an-answer"};
  const Status tried = channel.publish(std::span(&message, 1));
  if (tried || tried.error().code == ErrorCode::conflict) return true;
  if (tried.error().code != ErrorCode::timed_out) return std::unexpected(tried.error());
  const auto seen = answered.look(queue.queue);
  if (!seen && seen.error().code != ErrorCode::not_found) return std::unexpected(seen.error());
  return false;
}

// How many connections the server has stopped reading from.
Result<std::string> blocked(const Alarm& alarm, const DeedContext& context) {
  return evaluated(alarm.control,
                   "length([P || P <- rabbit_networking:connections(), proplists:get_value(state, "
                   "rabbit_networking:connection_info(P, [state])) =:= blocked])",
                   context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(alarm, alarm_from(undo));
  TRY(takes, takes_messages(alarm.control.deed.queue, context));
  if (takes) {
    return Proof{.held = false, .text = "the server takes messages", .facts = Json::object()};
  }
  TRY(now, watermark(alarm, context));
  TRY(connections, blocked(alarm, context));
  return Proof{.held = now == ours(alarm),
               .text = "the server answers, and takes no message; it has blocked " + connections +
                       " connections" +
                       (now == ours(alarm) ? "" : "; its watermark is not this drill's"),
               .facts = Json::object({{"watermark", now}, {"blocked", connections}})};
}

Status undo_alarm(const Undo& undo, const DeedContext& context) {
  TRY(alarm, alarm_from(undo));
  TRY(notes, rabbit_notes(alarm.control.deed, context));
  if (!notes.boolean("begun", false)) return {};
  TRY(now, watermark(alarm, context));
  if (now != ours(alarm)) return {};
  TRY(told, tell_node(alarm.control, words_for(alarm, alarm.before), context));
  return {};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(alarm, alarm_from(undo));
  TRY(now, watermark(alarm, context));
  const Json facts = Json::object({{"watermark", now}});
  if (now == ours(alarm)) {
    return Proof{.held = false, .text = "the watermark is this drill's yet", .facts = facts};
  }
  TRY(takes, takes_messages(alarm.control.deed.queue, context));
  return Proof{.held = takes || now != alarm.before,
               .text = takes                 ? "the server takes messages"
                       : now == alarm.before ? "the server takes no messages yet"
                                             : "the server takes no messages by somebody else's "
                                               "watermark",
               .facts = facts};
}

Status close_alarm(const Undo& undo, bool, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  return erase_kept(deed, context);
}

// rabbitmqctl last: it takes its time.
Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(may_rabbit<RabbitRight::write_default>(deed, context));
  return may_control(deed, context);
}

}  // namespace

extern const FaultRow block_publishers_fault;
const FaultRow block_publishers_fault{
    .name = "block-publishers",
    .summary =
        "A RabbitMQ node takes no message any more, by an alarm of its own; reading goes on.",
    .fields = kFields,
    .facet = "rabbitmq",
    .reversal = Reversal::exact,
    .effect = Effect::stops,
    .holds_data = false,
    .rights =
        "to run rabbitmqctl for the node: be its user, or root, or whoever may enter its "
        "container; write on amq.default; the tag management",
    .example = "- { fault: block-publishers, target: jobs, by: memory, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_alarm,
    .gone = gone,
    .close = close_alarm,
    .may = may};

}  // namespace gameday
