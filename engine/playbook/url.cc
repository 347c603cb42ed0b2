#include "engine/playbook/url.h"

#include <algorithm>
#include <array>

#include "engine/base/text.h"
#include "engine/playbook/request_slots.h"

namespace gameday {
namespace {

constexpr std::array<std::string_view, 5> kRequestNames{"key", "digest", "drill", "seq", "uuid"};

std::vector<std::string> known_names(const Vocabulary& names) {
  std::vector<std::string> known;
  for (const auto& target : names.http) known.push_back(target.first);
  known.insert(known.end(), kRequestNames.begin(), kRequestNames.end());
  return known;
}

// The address of an http target; nothing for a name that stays in braces.
Result<std::string> meaning(std::string_view name, std::string_view after,
                            const Vocabulary& names) {
  if (std::ranges::find(kRequestNames, name) != kRequestNames.end()) {
    return "{" + std::string(name) + "}";
  }
  for (const auto& [target, address] : names.http) {
    if (target != name) continue;
    const bool doubled = address.ends_with('/') && after.starts_with('/');
    return doubled ? address.substr(0, address.size() - 1) : address;
  }
  TRY(slot, request_slot(name));
  if (slot) return "{" + std::string(name) + "}";
  const bool is_target = std::ranges::find(names.targets, name) != names.targets.end();
  if (is_target) {
    return fail(ErrorCode::invalid, "target " + quoted(name) + " has no http address");
  }
  return fail(ErrorCode::invalid, "unknown name " + quoted("{" + std::string(name) + "}") +
                                      suggestion(name, known_names(names)));
}

Result<std::string> with_names(std::string_view rest, const Vocabulary& names) {
  std::string out;
  while (!rest.empty()) {
    const bool secret = rest.starts_with("${");
    if (rest.starts_with("{{")) {
      out += "{{";
      rest.remove_prefix(2);
    } else if (rest.front() == '{' || secret) {
      const auto end = rest.find('}');
      if (end == std::string_view::npos) {
        return fail(ErrorCode::invalid, "a `{` without its `}`; `{{` is a brace");
      }
      if (secret) {
        out += rest.substr(0, end + 1);
      } else {
        TRY(text, meaning(rest.substr(1, end - 1), rest.substr(end + 1), names));
        out += text;
      }
      rest.remove_prefix(end + 1);
    } else {
      out += rest.front();
      rest.remove_prefix(1);
    }
  }
  return out;
}

bool is_web_address(std::string_view url) {
  if (url.starts_with("${env:") || url.starts_with("${file:")) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const auto rest = url.substr(scheme.size());
    return !rest.empty() && std::string_view("/?#:").find(rest.front()) == std::string_view::npos;
  }
  return false;
}

bool printable(std::string_view url) {
  return std::ranges::all_of(url, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f;
  });
}

}  // namespace

std::span<const std::string_view> request_names() { return kRequestNames; }

Result<std::string> filled_url(std::string_view written, const Vocabulary& names) {
  TRY(url, with_names(written, names));
  if (!is_web_address(url)) {
    return fail(ErrorCode::invalid,
                "expected a URL with http:// or https://, not " + quoted(written));
  }
  if (!printable(url)) {
    return fail(ErrorCode::invalid, "a URL with a blank, a control or a non-ASCII character");
  }
  return url;
}

}  // namespace gameday
