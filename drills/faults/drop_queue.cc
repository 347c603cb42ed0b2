// Drops a queue with everything in it. What was in it is saved first and put back in addition to
// what has come since.
//
// A server and a file have no transaction in common. So the messages are listed and saved before
// the queue is dropped, and the answer of the drop, which is one transaction in the server, is
// saved in their place. Only when that answer is lost, and the server cannot tell it again
// (URL/dropped), are the messages lost that came between the list and the drop.
#include <algorithm>

#include "drills/systems/queue.h"

namespace gameday {
namespace {

constexpr std::size_t kMessagesAtOnce = 1000;

constexpr Field kFields[] = {
    {.name = "restore_messages",
     .type = FieldType::boolean,
     .help = "Whether the undo puts the messages back; with false it only makes the queue again, "
             "to see whether the system makes good what was in it.",
     .otherwise = "true"}};

struct Drop {
  std::string url;
  std::string saved;        // the path of the file with what was in it
  std::string incarnation;  // before the drop
  bool restore_messages = true;
};

Json to_json(const Drop& drop) {
  return Json::object({{"url", drop.url},
                       {"saved", drop.saved},
                       {"incarnation", drop.incarnation},
                       {"restore_messages", drop.restore_messages}});
}

Result<Drop> drop_from(const Undo& undo) {
  Drop drop{undo.arguments.text("url"), undo.arguments.text("saved"),
            undo.arguments.text("incarnation"), undo.arguments.boolean("restore_messages", true)};
  if (drop.url.empty() || drop.saved.empty()) {
    return fail(ErrorCode::invalid, "the undo of a queue lacks url or saved");
  }
  return drop;
}

// {"complete": is it the drop's own answer, "restored": has it been put back, "messages",
// "retained"}
Status save(const Drop& drop, const Json& saved, const DeedContext& context) {
  return context.doors.files.write(drop.saved, saved.dump() + "\n", 0600);
}

Json saved_from(const Json& answer, bool complete) {
  return Json::object({{"complete", complete},
                       {"restored", false},
                       {"messages", answer.items("messages")},
                       {"retained", answer.items("retained")}});
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(url, queue_url(*target));
  TRY(queue, look_at_queue(url, context));
  if (!queue.exists) return fail(ErrorCode::not_found, "there is no queue at " + url);
  if (queue.incarnation.empty()) {
    return fail(ErrorCode::unsupported,
                url + " names no incarnation, so a dropped queue could not be told from a new one");
  }
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  const Drop drop{.url = url,
                  .saved = context.private_folder + "/" + context.mark + ".queue.json",
                  .incarnation = queue.incarnation,
                  .restore_messages = deed.arguments.boolean("restore_messages", true)};
  return Undo{.kind = "drop-queue", .arguments = to_json(drop)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(listed, ask_queue(drop.url, {.method = "GET", .path = "/messages", .body = {}}, context));
  TRY_OK(save(drop, saved_from(listed, false), context));
  TRY(dropped, ask_queue(drop.url, {.method = "DELETE", .path = "?save=1", .body = {}}, context));
  return save(drop, saved_from(dropped, true), context);
}

// A queue that the system itself has made again since is another one, and empty.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(queue, look_at_queue(drop.url, context));
  const bool same = queue.exists && queue.incarnation == drop.incarnation;
  return Proof{.held = !same,
               .text = same           ? "the queue is still there"
                       : queue.exists ? "the queue was dropped and has been made again"
                                      : "the queue does not exist",
               .facts = Json::object({{"exists", queue.exists}, {"messages", queue.messages}})};
}

// The saved file, with the drop's answer fetched again where it was lost on the way.
Result<Json> what_was_saved(const Drop& drop, const DeedContext& context) {
  if (!context.doors.files.exists(drop.saved)) {
    return fail(ErrorCode::not_found, "the saved messages " + drop.saved + " are missing");
  }
  TRY(bytes, context.doors.files.read(drop.saved, std::int64_t{1} << 30));
  TRY(saved, Json::parse(bytes));
  if (saved.boolean("complete", false)) return saved;
  const auto told = ask_queue(drop.url, {.method = "GET", .path = "/dropped", .body = {}}, context);
  if (!told && told.error().code != ErrorCode::not_found) return std::unexpected(told.error());
  if (!told || told->text("incarnation") != drop.incarnation) return saved;
  Json complete = saved_from(*told, true);
  TRY_OK(save(drop, complete, context));
  return complete;
}

Status put_back(const Drop& drop, const Json& saved, const DeedContext& context) {
  for (const char* kind : {"messages", "retained"}) {
    const Json::Array& all = saved.items(kind);
    for (std::size_t first = 0; first < all.size(); first += kMessagesAtOnce) {
      const std::size_t last = std::min(all.size(), first + kMessagesAtOnce);
      Json body = Json::object({{"messages", Json::array()}});
      body.set(kind, Json::Array(all.begin() + static_cast<std::ptrdiff_t>(first),
                                 all.begin() + static_cast<std::ptrdiff_t>(last)));
      TRY(answer,
          ask_queue(drop.url, {.method = "POST", .path = "/messages", .body = body}, context));
    }
  }
  return {};
}

// Where the queue was never dropped nothing is made or put back. What was put back once is not put
// back again, since it may have been delivered meanwhile; a death between putting back and noting
// it is made good by the server, which takes each key once.
Status undo_drop(const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(queue, look_at_queue(drop.url, context));
  if (queue.exists && queue.incarnation == drop.incarnation) return {};
  if (!queue.exists) {
    TRY(made, ask_queue(drop.url, {.method = "PUT", .path = "", .body = {}}, context));
  }
  if (!drop.restore_messages) return {};
  TRY(saved, what_was_saved(drop, context));
  if (queue.exists && saved.boolean("restored", false)) return {};
  TRY_OK(put_back(drop, saved, context));
  saved.set("restored", true);
  return save(drop, saved, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  TRY(queue, look_at_queue(drop.url, context));
  Proof proof{.held = false,
              .text = "the queue does not exist",
              .facts = Json::object({{"messages", queue.messages}})};
  if (!queue.exists) return proof;
  proof.held = true;
  proof.text = "the queue was never dropped";
  if (queue.incarnation == drop.incarnation) return proof;
  proof.text = "the queue is there again, without what was in it";
  if (!drop.restore_messages) return proof;
  TRY(saved, what_was_saved(drop, context));
  proof.held = saved.boolean("restored", false);
  if (proof.held) proof.text = "the queue is there again, with what was in it";
  proof.facts.set("saved", saved.items("messages").size());
  return proof;
}

Status close_drop(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(drop, drop_from(undo));
  return keep ? Status{} : context.doors.files.remove(drop.saved);
}

}  // namespace

extern const FaultRow drop_queue_fault;
const FaultRow drop_queue_fault{
    .name = "drop-queue",
    .summary = "Drops a message queue with everything that is in it.",
    .fields = kFields,
    .facet = "queue",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights = "the queue's interface lets this machine drop and make it",
    .example = "- { fault: drop-queue, target: orders, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_drop,
    .gone = gone,
    .close = close_drop};

}  // namespace gameday
