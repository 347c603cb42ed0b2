#include "cli/ask_drill.h"

#include "cli/say.h"
#include "engine/proxy/ask.h"
#include "engine/runtime/door.h"

namespace gameday {

Result<Json> ask_drill(const std::string& drill, const Json& request) {
  constexpr Duration kAnswersWithin = std::chrono::seconds(30);
  const SystemClock clock;
  TRY(door, find_door(drill));
  if (!door.ours) {
    return fail(ErrorCode::refused, "drill " + door.drill + " is somebody else's",
                "its user, root and the members of the machine's group gameday may speak to it");
  }
  return ask_control(door.path, request, "drill " + door.drill, clock,
                     {Stop(), clock.in(kAnswersWithin)});
}

DrillAndStep drill_and_step(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  if (words.size() > 1) return {words[0], words[1]};
  for (const auto& door : open_doors()) {
    if (door.drill.starts_with(words[0])) return {words[0], ""};
  }
  return {"", words[0]};
}

int say_refused(const Error& error) {
  say_error(error);
  return error.code == ErrorCode::invalid ? 2 : 1;
}

}  // namespace gameday
