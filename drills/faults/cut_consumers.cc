// Closes the connections of whoever consumes from a queue of RabbitMQ, as an administrator or a
// failing network would. What they had not acknowledged is delivered again. It is over when it has
// been done: a consumer that comes back is let in.
#include <algorithm>
#include <set>

#include "drills/systems/rabbitmq_rights.h"
#include "drills/systems/waiting.h"

namespace gameday {
namespace {

// By the names of their connections, which tell both ends: nobody else is ever called so again
// while a drill lasts.
Result<std::set<std::string>> consuming(const RabbitQueue& queue, const DeedContext& context) {
  TRY(all, ask_management(queue, "GET", "/consumers/" + std::string(kVhost), context));
  if (!all.is_array()) return fail(ErrorCode::failed, "the management API tells no consumers");
  std::set<std::string> names;
  for (const Json& consumer : all.items()) {
    if (consumer.get("queue").text("name") != queue.queue) continue;
    const auto name = consumer.get("channel_details").text("connection_name");
    if (!name.empty()) names.insert(name);
  }
  return names;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  TRY(names, consuming(queue, context));
  if (names.empty()) {
    return fail(ErrorCode::refused,
                shown(queue) + " has no consumer that we may see, so there is none to cut off");
  }
  Json connections = Json::array();
  for (const auto& name : names) connections.push(name);
  Json arguments = to_json(queue);
  arguments.set("connections", std::move(connections));
  return Undo{.kind = "cut-consumers", .arguments = std::move(arguments)};
}

// How many of those that were found at first are there yet.
Result<std::int64_t> left(const Undo& undo, const DeedContext& context) {
  TRY(queue, rabbit_queue_from(undo.arguments));
  TRY(names, consuming(queue, context));
  return std::ranges::count_if(undo.arguments.items("connections"), [&](const Json& one) {
    return one.is_text() && names.contains(one.text());
  });
}

// Those that have come since are cut off too: they are what the playbook says.
Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(queue, rabbit_queue_from(undo.arguments));
  TRY(names, consuming(queue, context));
  for (const auto& name : names) {
    const auto closed =
        ask_management(queue, "DELETE", "/connections/" + percent_encoded(name), context);
    if (!closed && closed.error().code != ErrorCode::not_found) {
      return std::unexpected(closed.error());
    }
  }
  return wait_until_it(
      [&]() -> Result<bool> {
        TRY(count, left(undo, context));
        return count == 0;
      },
      context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(there, left(undo, context));
  const auto all = std::ssize(undo.arguments.items("connections"));
  const std::string of_all = std::to_string(all) + " connections of consumers";
  return Proof{.held = there == 0,
               .text = there == 0 ? "the " + of_all + " are gone"
                                  : std::to_string(there) + " of " + of_all + " are still there",
               .facts = Json::object({{"connections", all}, {"left", there}})};
}

Status undo_cut(const Undo&, const DeedContext&) { return {}; }

Result<Proof> gone(const Undo&, const DeedContext&) {
  return Proof{.held = true,
               .text = "whoever was cut off may connect again; nothing was left in force",
               .facts = Json::object()};
}

// The API lets nobody but an administrator close somebody else's connection.
Status may(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  return check_rabbit_administrator(queue, "close connections of others", context);
}

}  // namespace

extern const FaultRow cut_consumers_fault;
const FaultRow cut_consumers_fault{
    .name = "cut-consumers",
    .summary = "Closes the connections of a RabbitMQ queue's consumers; who comes back is let in.",
    .fields = {},
    .facet = "rabbitmq",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights = "the tag administrator, of the user that the management API is asked as",
    .example = "- { fault: cut-consumers, target: jobs, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_cut,
    .gone = gone,
    .close = nullptr,
    .momentary = true,
    .may = may};

}  // namespace gameday
