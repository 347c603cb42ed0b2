// Feeds any bytes to what reads journals: it may refuse them, never fall over, and what it takes
// for an event must be written again as the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/base/text.h"
#include "engine/journal/chain.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto lines = gameday::split(input, '\n');
  for (const auto& line : lines) {
    const auto event = gameday::parse_event(line);
    if (!event || event->hash != gameday::hash_of(line)) continue;
    const gameday::Chain chain(event->drill, event->boot, event->prev, event->number - 1);
    const auto utc = gameday::parse_rfc3339(event->utc);
    if (!utc) std::abort();
    if (chain.line({event->at, *utc}, event->type, event->data).line != line) std::abort();
  }
  const auto state = gameday::verify_chain(lines);
  if (state.intact != (state.line == 0 && !lines.empty())) std::abort();
  return 0;
}
