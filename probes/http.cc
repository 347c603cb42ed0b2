#include <algorithm>
#include <charconv>

#include "drills/systems/web.h"
#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr std::string_view kMethods[] = {"GET", "HEAD"};

constexpr Field kExpect[] = {
    {.name = "status",
     .type = FieldType::json,
     .help = "The status that the answer must have: 200, a class like 2xx, or a list of them. With "
             "[401, 403] the probe is good while the server refuses.",
     .otherwise = "200"},
    {.name = "headers",
     .type = FieldType::json,
     .help = "A mapping of header to text that must stand in it."},
    {.name = "body_contains",
     .type = FieldType::text,
     .help = "Text that must stand in the answer's body."},
    {.name = "body_lacks",
     .type = FieldType::text,
     .help = "Text that must not stand in the answer's body."},
    {.name = "json",
     .type = FieldType::json,
     .help = "A mapping of JSON pointer to what stands there: a value, or a comparison like "
             "\"> 5\"."},
};

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
constexpr std::int64_t kUsualStatus = 200;
constexpr int kClass = 100;

// "200" or "2xx" as the statuses that it means; nothing for what is neither.
std::optional<std::pair<int, int>> statuses_of(const std::string& form) {
  int status = 0;
  if (form.size() != 3) return std::nullopt;  // 0310 is not 310, here as elsewhere
  const bool is_class = lower(form).ends_with("xx");
  const char* const end = form.data() + (is_class ? 1 : form.size());
  const auto read = std::from_chars(form.data(), end, status);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  if (is_class) status *= kClass;
  if (status < kClass || status >= 6 * kClass) return std::nullopt;
  return std::pair(status, is_class ? status + kClass - 1 : status);
}

std::vector<std::string> wanted_statuses(const Json& expect) {
  const Json* status = expect.find("status");
  if (status == nullptr) return {std::to_string(kUsualStatus)};
  std::vector<std::string> forms;
  if (!status->is_array()) return {plain_text(*status)};
  for (const auto& item : status->items()) forms.push_back(plain_text(item));
  return forms;
}

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
    const auto wanted = wanted_statuses(expect_);
    const bool good = std::ranges::any_of(wanted, [&](const std::string& form) {
      const auto range = statuses_of(form);
      return range && range->first <= answer_.status && answer_.status <= range->second;
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
                     join(wanted_statuses(expect), " or ")};
}

std::optional<WrongField> wrong_status(const Json& expect) {
  const auto forms = wanted_statuses(expect);
  const auto odd = std::ranges::find_if(
      forms, [](const std::string& form) { return !statuses_of(form).has_value(); });
  if (odd == forms.end() && !forms.empty()) return std::nullopt;
  return WrongField{"expect.status",
                    "expected 100 to 599, a class like 2xx or a list of them, not " +
                        (forms.empty() ? "an empty list" : "`" + *odd + "`")};
}

std::optional<WrongField> wrong_json(const Json& json) {
  const std::string field = "expect.json";
  if (json.is_null()) return std::nullopt;
  if (!json.is_object() || json.members().empty()) {
    return WrongField{field, "expected a mapping of JSON pointer to value, like { /state: up }"};
  }
  for (const auto& [pointer, value] : json.members()) {
    if (!pointer.empty() && !pointer.starts_with('/')) {
      return WrongField{field, "expected a JSON pointer like /state, not `" + pointer + "`"};
    }
    if (const auto comparison = comparison_of(value); !comparison) {
      return WrongField{field, pointer + ": " + comparison.error().text};
    }
  }
  return std::nullopt;
}

std::optional<WrongField> check(const Json& arguments, const System&) {
  const Json& expect = arguments.get("expect");
  if (auto wrong = wrong_headers(arguments.get("headers"), "headers")) return wrong;
  if (auto wrong = wrong_status(expect)) return wrong;
  if (auto wrong = wrong_headers(expect.get("headers"), "expect.headers")) return wrong;
  if (auto wrong = wrong_json(expect.get("json"))) return wrong;
  const bool looks_at_body = expect.find("body_contains") != nullptr ||
                             expect.find("body_lacks") != nullptr || expect.find("json") != nullptr;
  if (looks_at_body && arguments.text("method") == "HEAD") {
    return WrongField{"method", "an answer to HEAD has no body that could be looked at"};
  }
  return std::nullopt;
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
