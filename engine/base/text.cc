#include "engine/base/text.h"

#include <algorithm>
#include <cctype>

namespace gameday {
namespace {

// Length of the well-formed UTF-8 sequence at the front, 0 if there is none (Unicode 15, table
// 3-7).
std::size_t sequence_length(std::string_view raw) {
  const auto at = [&](std::size_t i) {
    return i < raw.size() ? static_cast<unsigned char>(raw[i]) : 0U;
  };
  const auto between = [](unsigned value, unsigned low, unsigned high) {
    return low <= value && value <= high;
  };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (between(lead, 0xc2, 0xdf)) return between(at(1), 0x80, 0xbf) ? 2 : 0;
  if (between(lead, 0xe0, 0xef)) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return between(at(1), low, high) && between(at(2), 0x80, 0xbf) ? 3 : 0;
  }
  if (between(lead, 0xf0, 0xf4)) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    const bool tail = between(at(2), 0x80, 0xbf) && between(at(3), 0x80, 0xbf);
    return between(at(1), low, high) && tail ? 4 : 0;
  }
  return 0;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string valid_utf8(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const std::size_t length = sequence_length(raw);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      raw.remove_prefix(1);
    } else {
      out += raw.substr(0, length);
      raw.remove_prefix(length);
    }
  }
  return out;
}

bool is_utf8(std::string_view raw) {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  raw.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(raw, ascii) - raw.begin()));
  while (!raw.empty()) {
    const std::size_t length = sequence_length(raw);
    if (length == 0) return false;
    raw.remove_prefix(length);
  }
  return true;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

bool is_header_name(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.contains(c);
  });
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  // A word of n letters is taken for a misspelling at up to a third of them wrong, at least one.
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string> found;
  if (word.size() > 64) return found;
  for (const auto& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string filled(std::string_view pattern, std::span<const NamedText> values) {
  std::string out;
  while (!pattern.empty()) {
    if (pattern.starts_with("{{")) {
      out += '{';
      pattern.remove_prefix(2);
      continue;
    }
    const auto end = pattern.front() == '{' ? pattern.find('}') : std::string_view::npos;
    if (end != std::string_view::npos) {
      const auto name = pattern.substr(1, end - 1);
      const auto value = std::ranges::find(values, name, &NamedText::name);
      if (value != values.end()) {
        out += value->text;
        pattern.remove_prefix(end + 1);
        continue;
      }
    }
    out += pattern.front();
    pattern.remove_prefix(1);
  }
  return out;
}

}  // namespace gameday
