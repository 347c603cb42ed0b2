#include "engine/secrets.h"

#include <cstdlib>

#include "engine/base/text.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

// Calls on_text with plain parts and on_reference with references, in their order.
template <class OnText, class OnReference>
void walk(std::string_view text, OnText on_text, OnReference on_reference) {
  while (!text.empty()) {
    const auto start = text.find("${");
    on_text(text.substr(0, start));
    if (start == std::string_view::npos) return;
    const auto end = text.find('}', start);
    const auto inside = text.substr(start + 2, end == std::string_view::npos ? 0 : end - start - 2);
    if (inside.starts_with("env:") || inside.starts_with("file:")) {
      on_reference(inside);
    } else {
      on_text(text.substr(start, end == std::string_view::npos ? end : end - start + 1));
    }
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void Secrets::learn(std::string reference, std::string value) {
  known_[std::move(reference)] = std::move(value);
}

void Secrets::take_from_environment(std::string_view text) {
  for (const auto& reference : references_in(text)) {
    if (!reference.starts_with("env:")) continue;
    const std::string name = reference.substr(4);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) continue;
    learn(reference, value);
    unsetenv(name.c_str());
  }
}

Result<std::string> Secrets::look_up(const std::string& reference) const {
  if (const auto found = known_.find(reference); found != known_.end()) return found->second;
  if (reference.starts_with("env:")) {
    const char* value = std::getenv(reference.c_str() + 4);
    if (value == nullptr) {
      return fail(ErrorCode::not_found, "secret ${" + reference + "} is not in the environment");
    }
    return std::string(value);
  }
  constexpr std::int64_t kLargestSecret = 1 << 16;
  auto bytes = Files().read(reference.substr(5), kLargestSecret);
  if (!bytes) return std::unexpected(bytes.error().in("secret ${" + reference + "}"));
  return std::string(trimmed(*bytes));
}

Result<std::string> Secrets::reveal(std::string_view text) const {
  std::string out;
  Status status;
  walk(
      text, [&](std::string_view plain) { out += plain; },
      [&](std::string_view reference) {
        auto value = look_up(std::string(reference));
        if (value) {
          out += *value;
        } else if (status) {
          status = std::unexpected(value.error());
        }
      });
  if (!status) return std::unexpected(status.error());
  return out;
}

std::string Secrets::hidden(std::string text, const std::vector<std::string>& references) const {
  for (const auto& reference : references) {
    const auto value = look_up(reference);
    if (!value || value->empty()) continue;
    const std::string shown = "${" + reference + "}";
    for (auto at = text.find(*value); at != std::string::npos;
         at = text.find(*value, at + shown.size())) {
      text.replace(at, value->size(), shown);
    }
  }
  return text;
}

std::vector<std::string> references_in(std::string_view text) {
  std::vector<std::string> found;
  walk(
      text, [](std::string_view) {},
      [&](std::string_view reference) { found.emplace_back(reference); });
  return found;
}

}  // namespace gameday
