// What is said and heard over a TCP connection, by a probe or a load that knows no protocol.
#pragma once

#include <string>
#include <string_view>

#include "engine/rows.h"

namespace gameday {

// All of it, by `context.until`.
[[nodiscard]] Status say(const Descriptor& line, std::string_view text, const DeedContext& context);

// What has come when `wanted` is in it, or nothing more can change that: 64 KiB at most.
struct Heard {
  std::string text;
  std::string end;  // why no more came; empty: `wanted` is there
};
[[nodiscard]] Heard hear(const Descriptor& line, std::string_view wanted,
                         const DeedContext& context);

}  // namespace gameday
