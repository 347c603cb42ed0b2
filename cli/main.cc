#include <sys/resource.h>

#include <cstdio>
#include <exception>

#include "cli/command.h"

int main(int argc, char** argv) {
  // A core would hold secrets.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  try {
    return gameday::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gameday: defect: %s\n", error.what());
    return 70;
  }
}
