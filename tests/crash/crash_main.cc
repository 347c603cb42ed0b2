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

void tell(std::string_view kind, std::string_view name, std::string_view facet,
          std::string_view aim, std::string_view example) {
  for (const auto field : {kind, name, facet, aim}) {
    std::printf("%s\t", std::string(field).c_str());
  }
  std::printf("%s\n", std::string(example).c_str());
}

// Once for each way in which a playbook may say what it hits, and for each kind of place that the
// target's server may be in.
void tell_fault(const gameday::FaultRow& row) {
  const auto* other = row.other_way;
  if (row.facet.empty()) tell("fault", row.name, "", "itself", row.example);
  for (const auto aim : gameday::aims_of(row)) {
    const bool another = other != nullptr && aim == "target";
    tell("fault", row.name, another ? other->facet : row.facet,
         another ? "target by the other way" : aim, another ? other->example : row.example);
  }
  if (row.facet != "container" && row.rights.contains("of a container")) {
    tell("fault", row.name, row.facet, "target in a container", row.example);
  }
}

void tell_restore(const gameday::RestoreRow& row) {
  if (row.restore_place != nullptr) tell("restore", row.name, row.facet, "place", row.example);
  if (row.restore_place != nullptr && row.rights.contains("into place: as lose-data-directory")) {
    tell("restore", row.name, row.facet, "place in a container", row.example);
  }
  if (row.fill_scratch != nullptr) tell("restore", row.name, row.facet, "scratch", row.example);
}

// What the campaign has to try: each deed that users have, what it is done to, and its example.
void tell_all(const gameday::Rows& rows) {
  for (const auto* row : rows.faults) tell_fault(*row);
  for (const auto* row : rows.restores) tell_restore(*row);
  for (const auto* row : rows.actions) tell("action", row->name, row->facet, "", row->example);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "deeds") {
      tell_all(gameday::all_rows());
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
