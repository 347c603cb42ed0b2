#include <algorithm>

#include "drills/systems/web.h"
#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/playbook/expect.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr std::string_view kMethods[] = {"GET", "HEAD"};

constexpr std::string_view kUsualStatus = "200";

constexpr auto kExpect = expect_fields(
    kUsualStatus,
    "The status that the answer must have: 200, a class like 2xx, or a list of them. With "
    "[401, 403] the probe is good while the server refuses.");

constexpr Field kFields[] = {
    {.name = "url",
     .type = FieldType::url,
     .help = "What is asked; redirects are not followed. ${env:NAME} and ${file:PATH} in it are "
             "secrets.",
     .required = true},
    {.name = "method",
     .type = FieldType::choice,
     .help = "A probe only reads, so nothing but GET and HEAD.",
     .otherwise = "GET",
     .choices = kMethods},
    {.name = "headers",
     .type = FieldType::json,
     .help = "A mapping of header to text that is sent; secrets are given as in the URL."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good answer is.",
     .fields = kExpect},
};

constexpr std::int64_t kLargestAnswer = 4 << 20;

// What is told of an answer: what was seen, or what is wrong with it.
class Judgement {
 public:
  Judgement(const HttpAnswer& answer, const Json& expect)
      : answer_(answer), expect_(expect), seen_("status " + std::to_string(answer.status)) {}

  Answer judged() {
    if (!(status() && headers() && body() && json())) return {false, seen_ + problem_};
    return {true, seen_};
  }

 private:
  bool wrong(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  bool status() {
    const auto wanted = wanted_statuses(expect_, kUsualStatus);
    const bool good = std::ranges::any_of(wanted, [&](const std::string& form) {
      const auto range = statuses_of(form);
      return range && range->holds(answer_.status);
    });
    return good || wrong(", expected " + join(wanted, " or "));
  }

  bool headers() {
    const Json& wanted = expect_.get("headers");
    if (!wanted.is_object()) return true;
    for (const auto& [name, value] : wanted.members()) {
      const std::string text = plain_text(value);
      bool there = false;
      bool good = false;
      for (const auto& [header, content] : answer_.headers) {
        if (header != lower(name)) continue;
        there = true;
        good = good || content.contains(text);
      }
      if (!there) return wrong(", but there is no header " + name);
      if (!good) return wrong(", but header " + name + " does not contain '" + text + "'");
    }
    return true;
  }

  bool body() {
    const std::string text = expect_.text("body_contains");
    if (!answer_.body.contains(text)) {
      return wrong(", but the body does not contain '" + text + "'");
    }
    if (!text.empty()) seen_ += ", the body contains '" + text + "'";
    const std::string banned = expect_.text("body_lacks");
    if (!banned.empty() && answer_.body.contains(banned)) {
      return wrong(", but the body contains '" + banned + "'");
    }
    const Json* all = expect_.find("body_equals");
    if (all != nullptr && answer_.body != all->text()) {
      return wrong(", but the body is not '" + all->text() + "'");
    }
    return true;
  }

  bool json() {
    const Json& wanted = expect_.get("json");
    if (!wanted.is_object()) return true;
    const auto body = Json::parse(answer_.body);
    if (!body) return wrong(", but the body is no JSON: " + body.error().text);
    for (const auto& [pointer, value] : wanted.members()) {
      const auto comparison = comparison_of(value);
      if (!comparison) return wrong(", " + pointer + ": " + comparison.error().text);
      const Json* there = body->at_pointer(pointer);
      if (there == nullptr) return wrong(", but there is no " + pointer + " in the body");
      const std::string found = ", " + pointer + " is " + plain_text(*there);
      if (!comparison->holds(*there)) {
        return wrong(", expected " + pointer + " " + comparison->shown() + found);
      }
      seen_ += found;
    }
    return true;
  }

  const HttpAnswer& answer_;
  const Json& expect_;
  std::string seen_;
  std::string problem_;
};

Result<HttpRequest> request_of(const Json& arguments, const Secrets& secrets) {
  HttpRequest request;
  request.method = arguments.text("method", "GET");
  TRY(url, secrets.reveal(arguments.text("url")));
  request.url = std::move(url);
  TRY_OK(add_headers(arguments.get("headers"), secrets, request));
  request.largest_answer = kLargestAnswer;
  return request;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Json& expect = arguments.get("expect");
  const auto request = request_of(arguments, context.secrets);
  if (!request) return {false, request.error().text};
  const auto answer = context.doors.http.send(*request, context.until);
  if (answer) return Judgement(*answer, expect).judged();
  return {false, "no answer (" + cause_of(answer.error()) + "), expected status " +
                     join(wanted_statuses(expect, kUsualStatus), " or ")};
}

std::optional<WrongField> check(const Json& arguments, const System&) {
  if (auto wrong = wrong_headers(arguments.get("headers"), "headers")) return wrong;
  return wrong_expect(arguments.get("expect"), arguments.text("method"));
}

}  // namespace

extern const ProbeRow http_probe;
const ProbeRow http_probe{
    .name = "http",
    .summary = "Asks a URL and judges the answer by its status, headers and body.",
    .scalar = "url",
    .fields = kFields,
    .example = "shop-answers: { http: \"{front}/healthz\", every: 500ms, timeout: 400ms }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
