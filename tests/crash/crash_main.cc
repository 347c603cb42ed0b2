// `gameday`, with faults that misbehave, dying where the crash campaign wants it to.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "all_rows.h"
#include "cli/command.h"
#include "tests/crash/crash_points.h"
#include "tests/crash/crash_rows.h"

namespace {

void tell(const std::string& name, std::string_view facet, std::string_view example) {
  std::printf("%s\t%s\t%s\n", name.c_str(), std::string(facet).c_str(),
              std::string(example).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "examples") {
      // What the campaign tries: each fault that users have, what it is done to, and its example.
      for (const auto* row : gameday::all_rows().faults) {
        tell(std::string(row->name), row->facet, row->example);
        const auto* other = row->other_way;
        if (other == nullptr) continue;
        tell(std::string(row->name) + "-on-" + std::string(other->facet), other->facet,
             other->example);
      }
      return 0;
    }
    const gameday::CrashRows rows(gameday::all_rows());
    // The guardian has the runner's environment, and is not what shall die by itself.
    const bool may_die = command == "run" || command == "revert";
    return gameday::run_command_line(
        argc, argv, {rows.rows(), may_die ? gameday::crash_observer() : gameday::WriteObserver()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gameday: defect: %s\n", error.what());
    return 70;
  }
}
