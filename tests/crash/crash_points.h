// Where the crash campaign's runner dies: at a chosen change to the world, in one of three ways.
// Set by the environment, so that the same command line serves a counting run and each point:
//   GAMEDAY_CRASH_LOG=FILE           each change is noted there, a line each: "journal:17:before"
//   GAMEDAY_CRASH_AT=DOOR:NUMBER:SIDE  the change to die at
//   GAMEDAY_CRASH_WAY=killed|both|stopped  by SIGKILL, with the guardian too, or by SIGSTOP
#pragma once

#include "engine/sys/files.h"

namespace gameday {

// Empty where the environment sets nothing.
[[nodiscard]] WriteObserver crash_observer();

}  // namespace gameday
