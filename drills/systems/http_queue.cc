// How deep a queue with an HTTP interface is, and how it delivers again what it keeps.
#include "drills/systems/queue.h"

namespace gameday {
namespace {

Result<std::int64_t> depth(const Target& target, const DeedContext& context) {
  TRY(url, queue_url(target));
  TRY(queue, look_at_queue(url, context));
  if (!queue.exists) return fail(ErrorCode::not_found, "there is no queue at " + url);
  return queue.messages;
}

Result<std::int64_t> replay(const Target& target, Utc since, const DeedContext& context) {
  TRY(url, queue_url(target));
  TRY(answer,
      ask_queue(
          url,
          {.method = "POST", .path = "/replay", .body = Json::object({{"since", rfc3339(since)}})},
          context));
  const Json* replayed = answer.find("replayed");
  if (replayed == nullptr || !replayed->is_integer() || replayed->integer() < 0) {
    return fail(ErrorCode::failed, url + " does not say how many messages it replayed");
  }
  return replayed->integer();
}

}  // namespace

extern const QueueRow http_queue;
const QueueRow http_queue{.facet = "queue", .depth = depth, .replay = replay};

}  // namespace gameday
