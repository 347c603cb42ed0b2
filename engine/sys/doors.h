// The doors to the world, handed to whoever needs them; nothing reaches outside but through one.
#pragma once

#include "engine/sys/clock.h"
#include "engine/sys/files.h"
#include "engine/sys/http.h"
#include "engine/sys/processes.h"

namespace gameday {

struct Doors {
  const Clock& clock;
  const Files& files;
  Processes& processes;
  Http& http;
  WriteObserver observer;  // for what deeds change through neither
};

}  // namespace gameday
