#include "cli/say.h"

#include <cstdio>

#include "engine/base/text.h"
#include "engine/sys/log.h"

namespace gameday {

std::string harmless(std::string_view text) {
  std::string out = valid_utf8(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
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
