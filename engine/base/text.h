// Small questions about text that several rooms ask.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gameday {

// `raw` with every byte sequence that is not UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view raw);
[[nodiscard]] bool is_utf8(std::string_view raw);

[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string hex(std::string_view bytes);

// A line feed, an escape and their like, which end or change the line that they are put in.
[[nodiscard]] bool has_control(std::string_view text);
// Whether HTTP knows a header by that name: RFC 9110's token.
[[nodiscard]] bool is_header_name(std::string_view name);

// The known word nearest to a misspelt one, if one is near enough to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> known);

// Replaces each {name} for which `values` has one; "{{" is a literal brace. Unknown names stay.
struct NamedText {
  std::string_view name;
  std::string_view text;
};
[[nodiscard]] std::string filled(std::string_view pattern, std::span<const NamedText> values);

}  // namespace gameday
