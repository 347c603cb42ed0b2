// How the command speaks: results on standard output, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace gameday {

void say(std::string_view text);        // a line on standard error
void say_error(const Error& error);     // "gameday: error: TEXT" and its hint
void print(std::string_view text);      // a line on standard output
void print_json(const Json& document);  // one document on standard output
// Control characters and escapes of a name from elsewhere, made harmless for a terminal.
[[nodiscard]] std::string harmless(std::string_view text);

}  // namespace gameday
