#include "engine/runtime/load_deed.h"

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/load/request_pattern.h"

namespace gameday {
namespace {

std::string for_drill(const std::string& pattern, const std::string& drill) {
  const NamedText values[] = {{"drill", drill}};
  return filled(pattern, values);
}

Json request_json(const LoadRequest& request, const std::string& drill) {
  Json headers = Json::array();
  for (const auto& [name, value] : request.headers) {
    headers.push(Json::object({{"name", name}, {"value", value}}));
  }
  Json out = Json::object({{"method", request.method},
                           {"url", for_drill(request.url, drill)},
                           {"body", for_drill(request.body, drill)},
                           {"headers", std::move(headers)}});
  if (const auto& basic = request.basic) {
    out.set("basic", Json::object({{"user", basic->user}, {"password", basic->password}}));
  }
  if (const auto& aws = request.aws) {
    out.set("sigv4", Json::object({{"access_key", aws->access_key},
                                   {"secret_key", aws->secret_key},
                                   {"session_token", aws->session_token},
                                   {"region", aws->region},
                                   {"service", aws->service}}));
  }
  return out;
}

Status sign_with(const Json& aws, const Secrets& secrets, HttpRequest& request) {
  const AwsAuth auth{aws.text("access_key"), aws.text("secret_key"), aws.text("session_token"),
                     aws.text("region"), aws.text("service")};
  RequestText text{request.method, request.url, request.body, std::move(request.headers)};
  TRY_OK(sign(auth, secrets, text));
  request.headers = std::move(text.headers);
  return {};
}

Result<HttpRequest> request_from(const Json& value, const Secrets& secrets) {
  HttpRequest request;
  request.method = value.text("method", "GET");
  TRY(url, secrets.reveal(value.text("url")));
  TRY(body, secrets.reveal(value.text("body")));
  request.url = url;
  request.body = body;
  for (const auto& header : value.items("headers")) {
    TRY(text, secrets.reveal(header.text("value")));
    request.headers.emplace_back(header.text("name"), text);
  }
  if (const Json* basic = value.find("basic")) {
    TRY(plain, secrets.reveal(basic->text("user") + ":" + basic->text("password")));
    request.headers.emplace_back("Authorization", "Basic " + base64(plain));
  }
  if (const Json* aws = value.find("sigv4")) TRY_OK(sign_with(*aws, secrets, request));
  return request;
}

// How many rows a list shows: the length of the answer, or of its first member that is an array.
std::optional<std::size_t> rows_in(const Json& answer) {
  if (answer.is_array()) return answer.items().size();
  if (!answer.is_object()) return {};
  for (const auto& [name, value] : answer.members()) {
    if (value.is_array()) return value.items().size();
  }
  return {};
}

}  // namespace

Undo load_undo(const LoadSpec& spec, const std::string& drill) {
  Undo undo{std::string(kLoadKind), Json::object({{"load", spec.name}, {"drill", drill}})};
  if (spec.cleanup) undo.arguments.set("cleanup", request_json(*spec.cleanup, drill));
  if (spec.cleanup && spec.ledger && !spec.ledger->list.empty()) {
    LoadRequest list;
    list.url = spec.ledger->list;
    list.headers = spec.cleanup->headers;
    list.basic = spec.cleanup->basic;
    list.aws = spec.cleanup->aws;
    undo.arguments.set("list", request_json(list, drill));
  }
  return undo;
}

Status undo_load(const Undo& undo, const DeedContext& context) {
  if (undo.arguments.find("cleanup") == nullptr) return {};
  TRY(request, request_from(undo.arguments.get("cleanup"), context.secrets));
  TRY(answer, context.doors.http.send(request, context.until));
  const bool gone_already = answer.status == 404 || answer.status == 410;
  if (answer.status / 100 == 2 || gone_already) return {};
  return fail(ErrorCode::failed, "the cleanup " + request.method + " was answered with status " +
                                     std::to_string(answer.status));
}

Result<Proof> load_gone(const Undo& undo, const DeedContext& context) {
  if (undo.arguments.find("cleanup") == nullptr) {
    return Proof{true, "this load declares nothing to clean up", {}};
  }
  if (undo.arguments.find("list") == nullptr) {
    return Proof{true, "the cleanup was accepted; there is no list to look at", {}};
  }
  // Of a drill that is cleaned up it has no rows; read as JSON, it takes fifty times as much.
  constexpr std::int64_t kLargestList = 16 << 20;
  TRY(request, request_from(undo.arguments.get("list"), context.secrets));
  request.largest_answer = kLargestList;
  TRY(answer, context.doors.http.send(request, context.until));
  if (answer.status == 404 || answer.status == 410) return Proof{true, "nothing is listed", {}};
  if (answer.status != 200) {
    return Proof{false, "the list was answered with status " + std::to_string(answer.status), {}};
  }
  const auto listed = Json::parse(answer.body);
  if (!listed) return Proof{false, "the list cannot be read: " + listed.error().text, {}};
  const auto rows = rows_in(*listed);
  if (!rows) return Proof{false, "there is no list of rows in what the list answered", {}};
  return Proof{*rows == 0, std::to_string(*rows) + " rows of this drill are listed", {}};
}

}  // namespace gameday
