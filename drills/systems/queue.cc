#include "drills/systems/queue.h"

#include "engine/base/text.h"

namespace gameday {

Result<std::string> queue_url(const Target& target) {
  const std::string url = target.facets.get("queue").text("url");
  if (url.empty()) return fail(ErrorCode::not_found, target.name + " has no queue");
  return url;
}

Result<QueueLooks> look_at_queue(const std::string& url, const DeedContext& context) {
  constexpr std::int64_t kLargest = 1 << 20;  // of a few numbers
  const auto answer = ask_queue(
      url, {.method = "GET", .path = "", .body = {}, .largest_answer = kLargest}, context);
  if (!answer && answer.error().code == ErrorCode::not_found) return QueueLooks{};
  if (!answer) return std::unexpected(answer.error());
  const Json* messages = answer->find("messages");
  if (messages == nullptr || !messages->is_integer() || messages->integer() < 0) {
    return fail(ErrorCode::failed, url + " does not say how many messages the queue has");
  }
  return QueueLooks{true, messages->integer(), answer->text("incarnation")};
}

Result<Json> ask_queue(const std::string& url, const QueueRequest& request,
                       const DeedContext& context) {
  TRY(revealed, context.secrets.reveal(url));
  HttpRequest sent{.method = request.method,
                   .url = revealed + request.path,
                   .headers = {},
                   .body = "",
                   .largest_answer = request.largest_answer};
  if (request.body) {
    sent.headers.emplace_back("Content-Type", "application/json");
    sent.body = request.body->dump();
  }
  const std::string doing = request.method + " " + url + request.path;
  const auto answer = context.doors.http.send(sent, context.until);
  if (!answer) return std::unexpected(answer.error().in(doing));
  if (answer->status == 404) return fail(ErrorCode::not_found, doing + ": there is no such queue");
  if (answer->status < 200 || answer->status > 299) {
    const bool refused = answer->status == 401 || answer->status == 403;
    return fail(refused ? ErrorCode::refused : ErrorCode::failed,
                doing + ": status " + std::to_string(answer->status));
  }
  if (trimmed(answer->body).empty()) return Json::object();
  auto value = Json::parse(answer->body);
  if (!value) return std::unexpected(value.error().in(doing));
  if (!value->is_object()) return fail(ErrorCode::failed, doing + ": the answer is no JSON object");
  return value;
}

}  // namespace gameday
