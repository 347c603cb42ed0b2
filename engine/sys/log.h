// The door to logs: lines for people, on standard error. Facts go into the journal; nothing is ever
// read back from a log.
#pragma once

#include <string_view>

namespace gameday {

enum class Tone { plain, alarm };

// One line, written whole, by any thread. An alarm is red where standard error is a terminal that
// has colours (TERM is set and not dumb) and NO_COLOR is not set; nothing else is coloured.
void log_line(std::string_view text, Tone tone = Tone::plain);

}  // namespace gameday
