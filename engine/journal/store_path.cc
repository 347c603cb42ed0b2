#include <cstdlib>
#include <string_view>

#include "engine/journal/store.h"

namespace gameday {

Result<std::string> default_store_path() {
  constexpr std::string_view kBelow = "/gameday/gameday.db";
  const auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    // The XDG specification has relative paths ignored.
    return value != nullptr && *value == '/' ? std::string(value) : std::string();
  };
  if (const auto state = absolute("XDG_STATE_HOME"); !state.empty()) {
    return state + std::string(kBelow);
  }
  if (const auto home = absolute("HOME"); !home.empty()) {
    return home + "/.local/state" + std::string(kBelow);
  }
  return fail(ErrorCode::not_found, "there is no place for the store: HOME is not set",
              "name a file: --store FILE");
}

}  // namespace gameday
