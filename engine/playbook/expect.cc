#include "engine/playbook/expect.h"

#include <algorithm>
#include <charconv>

#include "engine/base/comparison.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr int kClass = 100;

std::optional<WrongField> wrong_status(const Json& expect) {
  const auto forms = wanted_statuses(expect, "200");
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

}  // namespace

std::optional<StatusRange> statuses_of(const std::string& form) {
  int status = 0;
  if (form.size() != 3) return std::nullopt;  // 0310 is not 310, here as elsewhere
  const bool is_class = lower(form).ends_with("xx");
  const char* const end = form.data() + (is_class ? 1 : form.size());
  const auto read = std::from_chars(form.data(), end, status);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  if (is_class) status *= kClass;
  if (status < kClass || status >= 6 * kClass) return std::nullopt;
  return StatusRange{status, is_class ? status + kClass - 1 : status};
}

std::vector<std::string> wanted_statuses(const Json& expect, std::string_view usual) {
  const Json* status = expect.find("status");
  if (status == nullptr) return {std::string(usual)};
  std::vector<std::string> forms;
  if (!status->is_array()) return {plain_text(*status)};
  for (const auto& item : status->items()) forms.push_back(plain_text(item));
  return forms;
}

bool looks_at_body(const Json& expect) {
  return std::ranges::any_of(std::array{"body_contains", "body_lacks", "body_equals", "json"},
                             [&](const char* name) { return expect.find(name) != nullptr; });
}

std::optional<WrongField> wrong_expect(const Json& expect, std::string_view method) {
  if (auto wrong = wrong_status(expect)) return wrong;
  if (auto wrong = wrong_headers(expect.get("headers"), "expect.headers")) return wrong;
  if (auto wrong = wrong_json(expect.get("json"))) return wrong;
  if (looks_at_body(expect) && method == "HEAD") {
    return WrongField{"method", "an answer to HEAD has no body that could be looked at"};
  }
  return std::nullopt;
}

std::optional<WrongField> wrong_headers(const Json& headers, const std::string& field) {
  if (headers.is_null()) return std::nullopt;
  if (!headers.is_object()) return WrongField{field, "expected a mapping of header to text"};
  for (const auto& [name, value] : headers.members()) {
    if (!is_header_name(name)) return WrongField{field + "." + name, "this is no header name"};
    const bool plain = !value.is_array() && !value.is_object() && !value.is_null();
    if (!plain || has_control(plain_text(value))) {
      return WrongField{field + "." + name, "expected a text on one line"};
    }
  }
  return std::nullopt;
}

}  // namespace gameday
