// Takes every message that waits out of a queue and leaves the queue. Messages that are out for
// delivery stay with whoever works on them. What was taken out is put back in addition to what has
// come since.
//
// The queue's server keeps what it takes out, under the deed's mark and in the transaction that
// takes it out, and tells it again until the deed is closed: no message lies between two deaths.
// Our own file beside it is for a server that has forgotten.
#include <algorithm>

#include "drills/systems/queue.h"
#include "drills/systems/waiting.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::size_t kMessagesAtOnce = 1000;

constexpr Field kFields[] = {kToEmptyField};

struct Purge {
  std::string url;
  std::string saved;  // the path of the file with what was taken out
  std::string mark;
};

Json to_json(const Purge& purge) {
  return Json::object({{"url", purge.url}, {"saved", purge.saved}, {"mark", purge.mark}});
}

Result<Purge> purge_from(const Undo& undo) {
  Purge purge{undo.arguments.text("url"), undo.arguments.text("saved"),
              undo.arguments.text("mark")};
  if (purge.url.empty() || purge.saved.empty() || purge.mark.empty()) {
    return fail(ErrorCode::invalid, "the undo of a purge lacks url, saved or mark");
  }
  return purge;
}

// {"messages": what was taken out, "restored": has it been put back}
Status save(const Purge& purge, const Json& saved, const DeedContext& context) {
  return context.doors.files.write(purge.saved, saved.dump() + "\n", 0600);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(url, queue_url(*target));
  TRY(queue, look_at_queue(url, context));
  if (!queue.exists) return fail(ErrorCode::not_found, "there is no queue at " + url);
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  return Undo{
      .kind = "purge-queue",
      .arguments = to_json({.url = url,
                            .saved = context.private_folder + "/" + context.mark + ".purged.json",
                            .mark = context.mark})};
}

// An empty queue is no error here: the proof says that nothing was taken out.
Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(purge, purge_from(undo));
  const auto take_out = [&]() -> Result<bool> {
    TRY(taken,
        ask_queue(purge.url, {.method = "POST", .path = "/purge?mark=" + purge.mark, .body = {}},
                  context));
    const auto& messages = taken.items("messages");
    if (messages.empty()) return false;
    TRY_OK(save(purge, Json::object({{"messages", messages}, {"restored", false}}), context));
    return true;
  };
  return wait_until_it(take_out, context,
                       duration_in(deed.arguments, "within").value_or(kWithinToEmpty));
}

// Without our file the server is asked: it knows of a purge whose answer never arrived. Null:
// nothing was taken out.
Result<Json> what_was_purged(const Purge& purge, const DeedContext& context) {
  if (context.doors.files.exists(purge.saved)) {
    TRY(bytes, context.doors.files.read(purge.saved, std::int64_t{1} << 30));
    return Json::parse(bytes);
  }
  const auto told = ask_queue(
      purge.url, {.method = "GET", .path = "/purged?mark=" + purge.mark, .body = {}}, context);
  if (!told && told.error().code == ErrorCode::not_found) return Json();
  if (!told) return std::unexpected(told.error());
  Json saved = Json::object({{"messages", told->items("messages")}, {"restored", false}});
  TRY_OK(save(purge, saved, context));
  return saved;
}

std::string count_of(std::size_t messages) {
  return std::to_string(messages) + (messages == 1 ? " message" : " messages");
}

// By the messages' ids, because the system may have made good what was lost: an order that was sent
// again is another message.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(purge, purge_from(undo));
  TRY(listed, ask_queue(purge.url, {.method = "GET", .path = "/messages", .body = {}}, context));
  TRY(saved, what_was_purged(purge, context));
  const Json::Array& taken = saved.items("messages");
  const Json::Array& present = listed.items("messages");
  const auto is_there = [&](const Json& message) {
    const Json& id = message.get("id");
    return id.is_null() ||
           std::ranges::any_of(present, [&](const Json& other) { return other.get("id") == id; });
  };
  const auto stayed = static_cast<std::size_t>(std::ranges::count_if(taken, is_there));
  return Proof{.held = !taken.empty() && stayed == 0,
               .text = taken.empty() ? "the queue was empty, so nothing was taken out of it"
                       : stayed > 0  ? count_of(stayed) + " of those taken out can still be seen"
                                     : count_of(taken.size()) + " were taken out; the queue has " +
                                          count_of(present.size()) +
                                          ", out for delivery before or come since",
               .facts = Json::object({{"purged", taken.size()}, {"messages", present.size()}})};
}

struct PutBack {
  std::int64_t accepted = 0;
  std::int64_t skipped = 0;  // they were there, or have been consumed since
  std::int64_t gone = 0;     // their drill has been deleted
};

Result<PutBack> put_back(const Purge& purge, const Json::Array& messages,
                         const DeedContext& context) {
  PutBack all;
  for (std::size_t first = 0; first < messages.size(); first += kMessagesAtOnce) {
    const auto begin = messages.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(kMessagesAtOnce, messages.size() - first);
    const Json::Array some(begin, begin + static_cast<std::ptrdiff_t>(count));
    TRY(answer,
        ask_queue(
            purge.url,
            {.method = "POST", .path = "/messages", .body = Json::object({{"messages", some}})},
            context));
    all.accepted += answer.integer("accepted", 0);
    all.skipped += answer.integer("skipped", 0);
    all.gone += static_cast<std::int64_t>(answer.items("gone").size());
  }
  return all;
}

// What was put back once is not put back again, since it may have been delivered meanwhile; a death
// between putting back and noting it is made good by the server, which takes each key once.
Status undo_purge(const Undo& undo, const DeedContext& context) {
  TRY(purge, purge_from(undo));
  TRY(saved, what_was_purged(purge, context));
  if (saved.is_null() || saved.boolean("restored", false)) return {};
  const Json::Array& messages = saved.items("messages");
  TRY(back, put_back(purge, messages, context));
  if (back.accepted + back.skipped + back.gone != static_cast<std::int64_t>(messages.size())) {
    return fail(ErrorCode::failed, purge.url + " does not say what became of each of the " +
                                       count_of(messages.size()) +
                                       " that were put back; they are in " + purge.saved);
  }
  saved.set("restored", true);
  saved.set("accepted", back.accepted).set("skipped", back.skipped).set("gone", back.gone);
  return save(purge, saved, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(purge, purge_from(undo));
  TRY(queue, look_at_queue(purge.url, context));
  TRY(saved, what_was_purged(purge, context));
  Proof proof{.held = saved.is_null(),
              .text = "nothing was taken out of the queue",
              .facts = Json::object({{"messages", queue.messages}})};
  if (saved.is_null()) return proof;
  proof.held = queue.exists && saved.boolean("restored", false);
  proof.text = !queue.exists ? "the queue does not exist"
               : proof.held  ? count_of(saved.items("messages").size()) + " are back"
                             : "what was taken out of the queue is not back";
  for (const char* name : {"accepted", "skipped", "gone"}) proof.facts.set(name, saved.get(name));
  return proof;
}

Status close_purge(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(purge, purge_from(undo));
  if (keep) return {};
  const auto forgotten = ask_queue(
      purge.url, {.method = "DELETE", .path = "/purged?mark=" + purge.mark, .body = {}}, context);
  TRY_OK(context.doors.files.remove(purge.saved));
  return forgotten ? Status{} : std::unexpected(forgotten.error());
}

}  // namespace

extern const FaultRow purge_queue_fault;
const FaultRow purge_queue_fault{
    .name = "purge-queue",
    .summary = "Takes every waiting message out of a queue; those out for delivery stay out.",
    .fields = kFields,
    .facet = "queue",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights = "the queue's interface lets this machine purge and fill it",
    .example = "- { fault: purge-queue, target: orders, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_purge,
    .gone = gone,
    .close = close_purge};

}  // namespace gameday
