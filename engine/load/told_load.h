// A load that is carried by a process of its own, which decides when it sends: a closed loop. It
// tells of each request as it ends (told.h), and becomes samples and windows as any other load.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/load/load.h"
#include "engine/load/told.h"
#include "engine/sys/doors.h"

namespace gameday {

// How a row has a load carried.
struct Carrier {
  std::string name;  // "Locust"; its version is told by itself
  // Its environment is given where to tell, GAMEDAY_TELL, and the load's timeout,
  // GAMEDAY_TIMEOUT_NS. Asked to end by any byte on its connection, it ends in order.
  Command command;
  std::size_t senders = 1;  // processes that send, each of which tells
  std::size_t others = 0;   // and those that do not
  std::uint64_t users = 0;
};

// `mark` is the deed's. Returns once all of them are there, or by `until`, and then nothing of it
// runs. What it started goes with us: its group is announced, and each that tells sees us die.
[[nodiscard]] Result<std::unique_ptr<Load>> start_told_load(
    const LoadTerms& terms, const Carrier& carrier, const std::string& mark, const Doors& doors,
    const Until& until, std::function<void(const WindowCount&)> each_window);

}  // namespace gameday
