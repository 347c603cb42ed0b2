#include <sys/resource.h>

#include <algorithm>
#include <exception>

#include "all_rows.h"
#include "cli/command.h"
#include "cli/say.h"

int main(int argc, char** argv) {
  // A core would hold secrets. The hard limit stays: a process that is put back inherits it, and
  // could not be given its own again.
  rlimit cores{};
  getrlimit(RLIMIT_CORE, &cores);
  cores.rlim_cur = std::min<rlim_t>(1, cores.rlim_max);  // 0 does not bind a core that is piped
  setrlimit(RLIMIT_CORE, &cores);
  try {
    return gameday::run_command_line(argc, argv, {gameday::all_rows(), {}});
  } catch (const std::exception& error) {
    gameday::say(std::string("gameday: defect: ") + error.what());
    return 70;
  }
}
