#include "cli/say.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "engine/base/text.h"
#include "engine/sys/log.h"

namespace gameday {

namespace {

// Of two or three bytes, where the terminal takes them for more than a letter: C1 controls, marks
// that turn the direction of writing around, separators of lines.
bool moves_more_than_a_letter(std::string_view bytes) {
  if (bytes.size() == 2) return bytes[0] == '\xc2' ? bytes[1] < '\xa0' : bytes == "\u061c";
  constexpr std::string_view kMarks[] = {"\u200e", "\u200f", "\u2028", "\u2029", "\u202a",
                                         "\u202b", "\u202c", "\u202d", "\u202e", "\u2066",
                                         "\u2067", "\u2068", "\u2069", "\ufeff"};
  return std::ranges::find(kMarks, bytes) != std::end(kMarks);
}

std::size_t bytes_of_letter(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

}  // namespace

std::string harmless(std::string_view text) {
  const std::string valid = valid_utf8(text);
  std::string out;
  for (std::size_t at = 0; at < valid.size();) {
    const auto letter = std::string_view(valid).substr(at, bytes_of_letter(valid[at]));
    const char c = letter.front();
    const bool control =
        letter.size() == 1 &&
        ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f);
    if (control || moves_more_than_a_letter(letter)) {
      out += '?';
    } else {
      out += letter;
    }
    at += letter.size();
  }
  return out;
}

void say(std::string_view text) { log_line(harmless(text)); }

void say_error(const Error& error) {
  log_line(harmless("gameday: error: " + error.text), Tone::alarm);
  if (!error.hint.empty()) say("  hint: " + error.hint);
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void print_json(const Json& document) {
  const std::string text = document.pretty();
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace gameday
