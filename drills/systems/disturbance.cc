#include "drills/systems/disturbance.h"

#include <chrono>

#include "drills/systems/waiting.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Duration kDisturbedWithin = std::chrono::seconds(5);

struct Disturbance {
  std::string url;
  std::string mark;
};

Disturbed disturbed_in(const Json& told) {
  return {.known = true,
          .active = told.boolean("active", false),
          .seen = told.integer("seen", 0),
          .hit = told.integer("hit", 0),
          .delivered = told.integer("delivered", 0),
          .held = told.integer("held", 0)};
}

std::string path_of(const Disturbance& disturbance) { return "/disturb?mark=" + disturbance.mark; }

Result<Disturbance> disturbance_from(const Undo& undo) {
  Disturbance disturbance{undo.arguments.text("url"), undo.arguments.text("mark")};
  if (disturbance.url.empty() || disturbance.mark.empty()) {
    return fail(ErrorCode::invalid, "the undo of " + undo.kind + " lacks url or mark");
  }
  return disturbance;
}

}  // namespace

Json to_json(const Disturbed& disturbed) {
  return Json::object({{"seen", disturbed.seen},
                       {"hit", disturbed.hit},
                       {"delivered", disturbed.delivered},
                       {"held", disturbed.held}});
}

Result<Disturbed> look_at_disturbance(const Undo& undo, const DeedContext& context) {
  TRY(disturbance, disturbance_from(undo));
  const auto told = ask_queue(disturbance.url,
                              {.method = "GET", .path = path_of(disturbance), .body = {}}, context);
  if (!told && told.error().code == ErrorCode::not_found) return Disturbed{};
  if (!told) return std::unexpected(told.error());
  if (told->find("active") == nullptr) {
    return fail(ErrorCode::failed, disturbance.url + " does not say whether it is still disturbed");
  }
  return disturbed_in(*told);
}

Status begin_disturbance(const Deed& deed, const Json& terms, const Undo& undo,
                         const DeedContext& context) {
  TRY(disturbance, disturbance_from(undo));
  Json body = terms;
  body.set("mark", disturbance.mark);
  TRY(begun,
      ask_queue(disturbance.url, {.method = "POST", .path = "/disturb", .body = body}, context));
  if (disturbed_in(begun).hit > 0) return {};
  // A queue that cannot be asked is an error at once, not a wait.
  Status asked;
  const auto hits = [&] {
    const auto seen = look_at_disturbance(undo, context);
    if (!seen) asked = std::unexpected(seen.error());
    return !seen || seen->hit > 0;
  };
  TRY_OK(wait_until_it(hits, context,
                       duration_in(deed.arguments, "within").value_or(kDisturbedWithin)));
  return asked;
}

Result<Undo> prepare_disturbance(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(url, queue_url(*target));
  TRY(queue, look_at_queue(url, context));
  if (!queue.exists) return fail(ErrorCode::not_found, "there is no queue at " + url);
  return Undo{.kind = deed.kind, .arguments = Json::object({{"url", url}, {"mark", context.mark}})};
}

// Also where it never began: then one that comes late is refused.
Status end_disturbance(const Undo& undo, const DeedContext& context) {
  TRY(disturbance, disturbance_from(undo));
  const auto ended = ask_queue(
      disturbance.url, {.method = "DELETE", .path = path_of(disturbance), .body = {}}, context);
  return ended ? Status{} : std::unexpected(ended.error());
}

std::string count_of_messages(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " message" : " messages");
}

}  // namespace gameday
