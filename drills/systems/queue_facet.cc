// The facet of a target that is a message queue with an HTTP interface (queue.h).
#include "drills/systems/queue.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {{.name = "url",
                              .type = FieldType::url,
                              .help = "The queue's own URL: GET on it tells its depth.",
                              .otherwise = "",
                              .required = true}};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(url, queue_url(target));
  TRY(queue, look_at_queue(url, context));
  if (!queue.exists) return fail(ErrorCode::not_found, "there is no queue at " + url);
  return Instance{
      .target = target.name,
      .shown = "queue " + url,
      .identity = "queue:" + url,
      .facts = Json::object(
          {{"url", url}, {"messages", queue.messages}, {"incarnation", queue.incarnation}})};
}

// What it would let us do to it, nobody can ask it without doing so.
Status may(const Target& target, const DeedContext& context) {
  TRY(url, queue_url(target));
  TRY_OK(look_at_queue(url, context));
  return {};
}

}  // namespace

extern const FacetRow queue_facet;
const FacetRow queue_facet{.name = "queue",
                           .summary = "A message queue with an HTTP interface.",
                           .scalar = "url",
                           .fields = kFields,
                           .resolve = resolve,
                           .may = may};

}  // namespace gameday
