#include "drills/systems/key_form.h"

#include <algorithm>

namespace gameday {

std::string KeyForm::begin(const Undo& undo) const {
  return before + undo.arguments.text("drill") + "-" + undo.arguments.text("load") + "-";
}

std::optional<std::string> KeyForm::key_in(std::string_view key, const Undo& undo) const {
  const std::string begins = begin(undo);
  if (!key.starts_with(begins) || !key.ends_with(after)) return std::nullopt;
  if (key.size() <= begins.size() + after.size()) return std::nullopt;
  const auto number = key.substr(begins.size(), key.size() - begins.size() - after.size());
  if (number.find_first_not_of("0123456789") != number.npos) return std::nullopt;
  return std::string(key.substr(before.size(), key.size() - before.size() - after.size()));
}

KeyForm key_form(const Undo& undo) {
  constexpr std::string_view kKey = "{key}";
  const std::string pattern = undo.arguments.text("key", std::string(kKey));
  const auto at = pattern.find(kKey);
  return {pattern.substr(0, at), pattern.substr(at + kKey.size())};
}

std::string wrong_key_form(std::string_view pattern) {
  if (std::ranges::count(pattern, '{') == 1 && pattern.contains("{key}")) return "";
  return "expected {key} in it once, and no other brace";
}

}  // namespace gameday
