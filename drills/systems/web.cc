#include "drills/systems/web.h"

#include "engine/base/comparison.h"
#include "engine/base/text.h"

namespace gameday {
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

Status add_headers(const Json& headers, const Secrets& secrets, HttpRequest& request) {
  if (!headers.is_object()) return {};
  for (const auto& [name, value] : headers.members()) {
    TRY(text, secrets.reveal(plain_text(value)));
    request.headers.emplace_back(name, std::move(text));
  }
  return {};
}

std::string cause_of(const Error& error) {
  const auto colon = error.text.rfind(": ");
  return colon == std::string::npos ? error.text : error.text.substr(colon + 2);
}

}  // namespace gameday
