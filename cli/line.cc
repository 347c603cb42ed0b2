#include "cli/line.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cli/say.h"

namespace gameday {
namespace {

struct Range {
  char32_t first, last;
};
// Letters that terminals draw two columns wide, coarsely: too wide is only cut too early.
constexpr Range kWide[] = {
    {0x1100, 0x115f}, {0x231a, 0x231b}, {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x26a1, 0x26a1}, {0x2705, 0x2705}, {0x274c, 0x274c},   {0x2e80, 0xa4cf},
    {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd}};
constexpr Range kCombining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x093c, 0x093c},
    {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};

template <std::size_t N>
bool within(const Range (&ranges)[N], char32_t c) {
  return std::ranges::any_of(
      ranges, [c](const Range& range) { return range.first <= c && c <= range.last; });
}

int columns_of(char32_t c) { return within(kCombining, c) ? 0 : within(kWide, c) ? 2 : 1; }

// The letter that begins at `at`, which moves behind it. The text is UTF-8.
char32_t letter_at(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;
  char32_t c = first & (first >= 0xf0 ? 0x07u : first >= 0xe0 ? 0x0fu : 0x1fu);
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u) {
    c = c << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  }
  return c;
}

// How many bytes of `text` fit into that many columns, and how many they take.
std::size_t fitting(std::string_view text, int columns, int& taken) {
  taken = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t next = at;
    const int wide = columns_of(letter_at(text, next));
    if (taken + wide > columns) break;
    taken += wide;
    at = next;
  }
  return at;
}

std::string_view colour_of(Ink ink) {
  switch (ink) {
    case Ink::plain: return "";
    case Ink::dim: return "\x1b[2m";
    case Ink::strong: return "\x1b[1m";
    case Ink::good: return "\x1b[32m";
    case Ink::bad: return "\x1b[1;31m";
    case Ink::warn: return "\x1b[33m";
  }
  return "";
}

}  // namespace

int columns_of(std::string_view text) {
  int taken = 0;
  for (std::size_t at = 0; at < text.size();) taken += columns_of(letter_at(text, at));
  return taken;
}

std::string one_line(std::string_view text, bool unicode) {
  std::string out;
  const std::string clean = harmless(text);
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t from = at;
    const char32_t c = letter_at(clean, at);
    if (c == '\n' || c == '\t') {
      out += ' ';
    } else if (c >= 0x80 && !unicode) {
      out += '?';
    } else {
      out.append(clean, from, at - from);
    }
  }
  return out;
}

constexpr std::string_view kDots = "...";
constexpr int kDotColumns = 3;

std::string start_of(std::string_view text, int columns) {
  int taken = 0;
  if (fitting(text, columns, taken) == text.size()) return std::string(text);
  const std::size_t bytes = fitting(text, std::max(0, columns - kDotColumns), taken);
  return std::string(text.substr(0, bytes)) + std::string(kDots);
}

std::string end_of(std::string_view text, int columns) {
  int left = columns_of(text);
  if (left <= columns) return std::string(text);
  std::size_t at = 0;
  while (at < text.size() && left > columns - kDotColumns) left -= columns_of(letter_at(text, at));
  return std::string(kDots) + std::string(text.substr(at));
}

void Line::put(std::string_view clean, int columns, Ink ink) {
  if (columns <= 0 && clean.empty()) return;
  pieces_.push_back({std::string(clean), ink});
  used_ += columns;
}

Line& Line::add(std::string_view text, Ink ink) {
  const std::string clean = one_line(text, terms_.unicode);
  const int wide = columns_of(clean);
  if (wide <= left()) return put(clean, wide, ink), *this;
  if (left() <= 0) return *this;
  int taken = 0;
  const std::size_t bytes = fitting(clean, left() - 1, taken);
  put(clean.substr(0, bytes) + (terms_.unicode ? "…" : "~"), taken + 1, ink);
  // A wide letter that did not fit leaves a column over.
  if (left() > 0) put(std::string(static_cast<std::size_t>(left()), ' '), left(), Ink::plain);
  return *this;
}

Line& Line::field(std::string_view text, int columns, Ink ink) {
  const int room = std::min(columns, left());
  if (room <= 0) return *this;
  TerminalTerms narrow = terms_;
  narrow.columns = room + 1;
  Line inner(narrow);
  inner.add(text, ink);
  for (auto& piece : inner.pieces_) put(piece.text, columns_of(piece.text), piece.ink);
  const int rest = room - inner.used_;
  put(std::string(static_cast<std::size_t>(rest), ' '), rest, Ink::plain);
  return *this;
}

Line& Line::fill(std::string_view with, int columns, Ink ink) {
  std::string out;
  const int wanted = std::max(0, left() - columns);
  for (int i = 0; i < wanted; ++i) out += with;
  put(out, wanted, ink);
  return *this;
}

std::string Line::text() const {
  std::string out;
  for (const auto& piece : pieces_) {
    const auto colour = terms_.colour ? colour_of(piece.ink) : "";
    out += std::string(colour) + piece.text + (colour.empty() ? "" : "\x1b[0m");
  }
  return out.substr(0, out.find_last_not_of(' ') + 1);
}

std::string bar(double fraction, int columns, bool unicode) {
  const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * columns));
  std::string out;
  for (int i = 0; i < columns; ++i) {
    out += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
  }
  return out;
}

std::string sparkline(const std::vector<double>& values, double low, double high, bool unicode) {
  static constexpr std::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::string_view kLetters[] = {"_", ".", ",", "-", "=", "+", "*", "#"};
  std::string out;
  for (const double value : values) {
    const double place = high > low ? (value - low) / (high - low) : 0.0;
    const auto step = static_cast<std::size_t>(std::lround(std::clamp(place, 0.0, 1.0) * 7));
    out += value < 0 ? " " : unicode ? kBlocks[step] : kLetters[step];
  }
  return out;
}

}  // namespace gameday
