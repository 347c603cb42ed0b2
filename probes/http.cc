#include "engine/base/text.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr std::string_view kMethods[] = {"GET", "HEAD"};

constexpr Field kExpect[] = {
    {.name = "status",
     .type = FieldType::integer,
     .help = "The status that the answer must have.",
     .otherwise = "200",
     .least = 100,
     .most = 599},
    {.name = "body_contains",
     .type = FieldType::text,
     .help = "Text that must stand in the answer's body; without it the body is not looked at."},
};

constexpr Field kFields[] = {
    {.name = "url",
     .type = FieldType::url,
     .help = "What is asked. ${env:NAME} and ${file:PATH} in it are secrets.",
     .required = true},
    {.name = "method",
     .type = FieldType::choice,
     .help = "A probe only reads, so nothing but GET and HEAD.",
     .otherwise = "GET",
     .choices = kMethods},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good answer is.",
     .fields = kExpect},
};

constexpr std::int64_t kLargestAnswer = 4 << 20;
constexpr std::int64_t kUsualStatus = 200;

Answer judged(const HttpAnswer& answer, const Json& expect) {
  const auto wanted = expect.integer("status", kUsualStatus);
  const std::string seen = "status " + std::to_string(answer.status);
  if (answer.status != wanted) return {false, seen + ", expected " + std::to_string(wanted)};
  const std::string text = expect.text("body_contains");
  if (!text.empty() && !answer.body.contains(text)) {
    return {false, seen + ", but the body does not contain '" + text + "'"};
  }
  return {true, text.empty() ? seen : seen + ", the body contains '" + text + "'"};
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Json& expect = arguments.get("expect");
  auto url = context.secrets.reveal(arguments.text("url"));
  if (!url) return {false, url.error().text};
  HttpRequest request;
  request.method = arguments.text("method", "GET");
  request.url = std::move(*url);
  request.largest_answer = kLargestAnswer;
  const auto answer = context.doors.http.send(request, context.until);
  if (answer) return judged(*answer, expect);
  const auto wanted = std::to_string(expect.integer("status", kUsualStatus));
  // The URL may hold a secret by now, so that only what went wrong is told.
  const std::string& text = answer.error().text;
  const auto cause = text.rfind(": ");
  return {false, "no answer (" + (cause == std::string::npos ? text : text.substr(cause + 2)) +
                     "), expected status " + wanted};
}

}  // namespace

extern const ProbeRow http_probe;
const ProbeRow http_probe{
    .name = "http",
    .summary = "Asks a URL and judges the answer by its status and body.",
    .scalar = "url",
    .fields = kFields,
    .example = "shop-answers: { http: \"{front}/healthz\", every: 500ms, timeout: 400ms }",
    .ask = &ask,
};

}  // namespace gameday
