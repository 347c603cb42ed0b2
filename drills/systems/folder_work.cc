#include "drills/systems/folder_work.h"

#include <csignal>
#include <filesystem>

namespace gameday {

std::vector<pid_t> at_work_in(const std::string& folder, const DeedContext& context) {
  std::vector<pid_t> found;
  for (const pid_t pid : context.doors.processes.all()) {
    std::error_code error;
    const auto at = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd", error);
    if (!error && (at.string() + "/").starts_with(folder + "/")) found.push_back(pid);
  }
  return found;
}

Status end_work_in(const std::string& folder, const Ending& how, const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(20);
  for (int tries = 0;; ++tries) {
    const auto pids = at_work_in(folder, context);
    if (pids.empty()) return {};
    for (const pid_t pid : pids) {
      const auto facts = context.doors.processes.look(pid);
      if (!facts || facts->zombie) continue;
      // One that is told to end takes its shared memory with it.
      static_cast<void>(
          context.doors.processes.signal(facts->id, tries < how.tries ? how.signal : SIGKILL));
    }
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
}

}  // namespace gameday
