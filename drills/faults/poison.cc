// Puts messages into a queue that no consumer can work on. They carry the deed's mark, by which
// they are found again: waiting, out for delivery or given up.
#include <algorithm>

#include "drills/systems/queue.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "count",
     .type = FieldType::integer,
     .help = "How many such messages are put in.",
     .otherwise = "3",
     .required = false,
     .least = 1,
     .most = 1000},
    {.name = "body",
     .type = FieldType::text,
     .help = "What stands in each of them; anything that is no message of this system.",
     .otherwise = "this is no message of yours"}};

struct Poison {
  std::string url;
  std::string mark;
  std::int64_t count = 0;
};

Result<Poison> poison_from(const Undo& undo) {
  Poison poison{undo.arguments.text("url"), undo.arguments.text("mark"),
                undo.arguments.integer("count", 0)};
  if (poison.url.empty() || poison.mark.empty()) {
    return fail(ErrorCode::invalid, "the undo of poison lacks url or mark");
  }
  return poison;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(url, queue_url(*target));
  TRY(queue, look_at_queue(url, context));
  if (!queue.exists) return fail(ErrorCode::not_found, "there is no queue at " + url);
  return Undo{
      .kind = "poison",
      .arguments = Json::object(
          {{"url", url}, {"mark", context.mark}, {"count", deed.arguments.integer("count", 3)}})};
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  Json bodies = Json::array();
  for (std::int64_t i = 0; i < poison.count; ++i) bodies.push(deed.arguments.text("body"));
  const Json body = Json::object({{"bodies", std::move(bodies)}, {"mark", poison.mark}});
  TRY(put_in, ask_queue(poison.url, {.method = "POST", .path = "/raw", .body = body}, context));
  if (put_in.integer("accepted", -1) == poison.count) return {};
  return fail(ErrorCode::failed, poison.url + " took " +
                                     std::to_string(put_in.integer("accepted", 0)) + " of " +
                                     std::to_string(poison.count) + " messages");
}

struct Seen {
  std::int64_t waiting = 0;
  std::int64_t out = 0;
  std::int64_t dead = 0;
  [[nodiscard]] std::int64_t all() const { return waiting + out + dead; }
};

// The dead ones last: a message goes that way only, so that none is overlooked.
Result<Seen> look_for(const Poison& poison, const DeedContext& context) {
  Seen seen;
  TRY(queue, ask_queue(poison.url, {.method = "GET", .path = "/messages", .body = {}}, context));
  for (const Json& message : queue.items("messages")) {
    if (message.text("mark") != poison.mark) continue;
    message.text("state") == "unacked" ? ++seen.out : ++seen.waiting;
  }
  TRY(dead, ask_queue(poison.url, {.method = "GET", .path = "/dead", .body = {}}, context));
  for (const Json& message : dead.items("messages")) {
    if (message.text("mark") == poison.mark) ++seen.dead;
  }
  return seen;
}

std::string shown(const Seen& seen) {
  return std::to_string(seen.waiting) + " waiting, " + std::to_string(seen.out) +
         " out for delivery, " + std::to_string(seen.dead) + " given up";
}

Json facts_of(const Seen& seen) {
  return Json::object({{"waiting", seen.waiting}, {"out", seen.out}, {"dead", seen.dead}});
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  TRY(seen, look_for(poison, context));
  return Proof{.held = poison.count > 0 && seen.all() >= poison.count,
               .text = "of " + std::to_string(poison.count) + " poison messages " + shown(seen),
               .facts = facts_of(seen)};
}

Status undo_poison(const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  const auto removed =
      ask_queue(poison.url,
                {.method = "DELETE", .path = "/messages?mark=" + poison.mark, .body = {}}, context);
  return removed ? Status{} : std::unexpected(removed.error());
}

// A queue that does not exist has none in it.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(poison, poison_from(undo));
  const auto seen = look_for(poison, context);
  if (!seen && seen.error().code == ErrorCode::not_found) {
    return Proof{.held = true, .text = "the queue does not exist", .facts = Json::object()};
  }
  if (!seen) return std::unexpected(seen.error());
  return Proof{.held = seen->all() == 0,
               .text = seen->all() == 0 ? "no poison message is left"
                                        : "poison messages are left: " + shown(*seen),
               .facts = facts_of(*seen)};
}

}  // namespace

extern const FaultRow poison_fault;
const FaultRow poison_fault{
    .name = "poison",
    .summary = "Puts messages into a queue that no consumer can work on.",
    .fields = kFields,
    .facet = "queue",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .holds_data = false,
    .rights = "the queue's interface lets this machine put in and remove raw messages",
    .example = "- { fault: poison, target: orders, count: 3, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_poison,
    .gone = gone,
    .close = nullptr};

}  // namespace gameday
