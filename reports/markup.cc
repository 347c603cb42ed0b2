#include "reports/markup.h"

#include <array>
#include <charconv>
#include <cmath>

#include "engine/base/assert.h"
#include "engine/base/text.h"
#include "engine/base/time.h"

namespace gameday {
namespace {

struct Range {
  char32_t from, to;
};
// Controls, soft hyphens, bidirectional marks, invisible and tag characters, line separators, and
// what is no character at all, which XML forbids.
constexpr std::array<Range, 13> kUnsafe{{{0x00, 0x1f},
                                         {0x7f, 0x9f},
                                         {0xad, 0xad},
                                         {0x61c, 0x61c},
                                         {0x180e, 0x180e},
                                         {0x200b, 0x200f},
                                         {0x2028, 0x202e},
                                         {0x2060, 0x206f},
                                         {0xfeff, 0xfeff},
                                         {0xfff9, 0xfffb},
                                         {0xfffe, 0xffff},
                                         {0xfe00, 0xfe0f},
                                         {0xe0000, 0xe0fff}}};

bool is_unsafe(char32_t c) {
  for (const auto& range : kUnsafe) {
    if (c >= range.from && c <= range.to) return true;
  }
  return false;
}

std::size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

char32_t decoded(std::string_view bytes) {
  if (bytes.size() == 1) return static_cast<unsigned char>(bytes[0]);
  char32_t c = static_cast<unsigned char>(bytes[0]) & (0xffu >> (bytes.size() + 1));
  for (const char byte : bytes.substr(1)) c = (c << 6) | (static_cast<unsigned char>(byte) & 0x3fu);
  return c;
}

std::string code_point(char32_t c) {
  std::array<char, 8> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<unsigned>(c), 16).ptr;
  std::string digits(buffer.data(), end);
  for (char& digit : digits) {
    if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
  }
  return "[U+" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits + "]";
}

std::string padded(std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

}  // namespace

std::string neutral(std::string_view raw, std::size_t most) {
  // No character has more than four bytes; what is cut off anyway is not read.
  const std::string text = valid_utf8(raw.substr(0, 4 * (most + 2)));
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_of(static_cast<unsigned char>(text[at]));
    const std::string_view bytes = std::string_view(text).substr(at, length);
    if (++count > most) return out + " [... cut off here]";
    const char32_t c = decoded(bytes);
    if (c == '\n' || c == '\t' || c == '\r') {
      out += ' ';
    } else if (is_unsafe(c)) {
      out += code_point(c);
    } else {
      out += bytes;
    }
    at += length;
  }
  return out;
}

std::string escaped(std::string_view raw, std::size_t most) {
  std::string out;
  for (const char c : neutral(raw, most)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return "?";
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::fixed, digits);
  std::string text(buffer.data(), end.ptr);
  // A figure that rounds to nothing has no sign.
  if (text.starts_with('-') && text.find_first_of("123456789") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

std::string shown_count(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string shown_seconds(double seconds) {
  const double size = std::abs(seconds);
  const double ms = seconds * 1000;
  if (size == 0) return "0 s";
  if (size < 0.00001) return fixed(seconds * 1e6, 1) + " µs";
  if (size < 0.00995) return fixed(ms, 2) + " ms";
  if (size < 0.0995) return fixed(ms, 1) + " ms";
  if (size < 0.9995) return fixed(ms, 0) + " ms";
  if (size < 9.995) return fixed(seconds, 2) + " s";
  if (size < 59.95) return fixed(seconds, 1) + " s";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (size < 3599.5) {
    const std::string rest = whole % 60 == 0 ? "" : " " + padded(whole % 60) + " s";
    return std::to_string(whole / 60) + " min" + rest;
  }
  return std::to_string(whole / 3600) + " h " + padded(whole / 60 % 60) + " min";
}

std::string words(std::string text) {
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string shown_person(const Json& who) {
  if (!who.is_object()) return "";
  return who.text("name") + " (uid " + std::to_string(who.integer("uid", -1)) + ")";
}

std::string unbroken(std::string_view figure) {
  std::string out;
  for (const char c : figure) out += c == ' ' ? std::string("\u00a0") : std::string(1, c);
  return out;
}

std::string shown_ratio(double ratio) {
  // 99.999 % is not all of them.
  const double hundredths = ratio < 1 ? std::floor(ratio * 10000 + 1e-9) : ratio * 10000;
  const bool whole = std::fmod(hundredths, 100) == 0;
  return fixed(hundredths / 100, whole ? 0 : 2) + " %";
}

std::string shown_offset(double seconds) {
  const auto tenths = static_cast<std::int64_t>(std::floor(std::abs(seconds) * 10 + 1e-6));
  const std::int64_t whole = tenths / 10;
  return std::string(seconds < 0 ? "-" : "") + std::to_string(whole / 60) + ":" +
         padded(whole % 60) + "." + std::to_string(tenths % 10);
}

std::string shown_clock(std::string_view utc) {
  constexpr std::size_t kDay = 11, kToMilliseconds = 12;
  if (!parse_rfc3339(utc) || utc.size() < kDay + kToMilliseconds) return neutral(utc);
  return std::string(utc.substr(kDay, kToMilliseconds));
}

std::string shown_time(std::string_view utc) {
  if (!parse_rfc3339(utc)) return neutral(utc);
  return std::string(utc.substr(0, 10)) + " " + shown_clock(utc) + " UTC";
}

std::string shown_measure(std::string_view objective, const Json& value) {
  const auto figure = [&](double number) {
    return objective.find("rate") != std::string_view::npos ? shown_ratio(number)
                                                            : shown_seconds(number);
  };
  if (value.is_number()) return figure(value.number());
  const Json& lo = value.get("lo");
  const Json& hi = value.get("hi");
  if (!lo.is_number() || !hi.is_number()) return "not measured";
  if (lo == hi) return figure(lo.number());
  return figure(lo.number()) + " to " + figure(hi.number());
}

bool is_closed_loop(const Json& load) { return load.text("loop") == "closed"; }

std::string load_in_words(const Json& load) {
  const std::string name = load.text("name");
  if (!is_closed_loop(load)) return name;
  std::string how = "closed loop";
  if (const Json* told = load.find("told")) {
    how += ", " + shown_count(told->integer("users", 0)) + " users, " +
           load.get("transport").text("name");
  }
  return name + " (" + how + ")";
}

void Table::row(std::vector<std::string> cells) {
  GD_ASSERT(cells.size() == headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::html(std::string_view caption, int figures) const {
  std::string out = "<table>\n<caption>" + escaped(caption) + "</caption>\n<thead><tr>";
  const auto kind = [&](std::size_t column) {
    const bool figure = figures >= 0 && column >= static_cast<std::size_t>(figures);
    return std::string(figure ? " class=\"n\"" : "");
  };
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    out += "<th scope=\"col\"" + kind(i) + ">" + escaped(headings_[i]) + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows_) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string label = escaped(headings_[i]);
      const std::string name = i == 0 ? "th scope=\"row\"" : "td";
      out += "<" + name + kind(i) + " data-label=\"" + label + "\"><span>" + row[i] + "</span></" +
             (i == 0 ? "th>" : "td>");
    }
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table>\n";
}

std::string mark(const Json& held, std::string_view yes, std::string_view no,
                 std::string_view unknown) {
  const bool known = held.is_boolean();
  const bool good = known && held.boolean();
  const char* name = !known ? "unknown" : good ? "good" : "bad";
  const char* glyph = !known ? "?" : good ? "✓" : "✕";
  return std::string("<span class=\"mark ") + name + "\"><b aria-hidden=\"true\">" + glyph +
         "</b> " +
         escaped(!known ? unknown
                 : good ? yes
                        : no) +
         "</span>";
}

}  // namespace gameday
