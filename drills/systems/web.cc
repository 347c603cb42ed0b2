#include "drills/systems/web.h"

#include "engine/base/comparison.h"

namespace gameday {

Status add_headers(const Json& headers, const Secrets& secrets, HttpRequest& request) {
  if (!headers.is_object()) return {};
  for (const auto& [name, value] : headers.members()) {
    TRY(text, secrets.reveal(plain_text(value)));
    request.headers.emplace_back(name, std::move(text));
  }
  return {};
}

std::string cause_of(const Error& error) {
  // Behind the URL, in which there is none: what follows may have some of its own.
  const auto colon = error.text.find(": ");
  return colon == std::string::npos ? error.text : error.text.substr(colon + 2);
}

}  // namespace gameday
