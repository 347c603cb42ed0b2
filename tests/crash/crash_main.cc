// `gameday`, with faults that misbehave, dying where the crash campaign wants it to.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "all_rows.h"
#include "cli/command.h"
#include "tests/crash/crash_points.h"
#include "tests/crash/crash_rows.h"

int main(int argc, char** argv) {
  try {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "examples") {
      // What the campaign tries: each fault that users have, by its own example.
      for (const auto* row : gameday::all_rows().faults) {
        std::printf("%s\t%s\n", std::string(row->name).c_str(), std::string(row->example).c_str());
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
