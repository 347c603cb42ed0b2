// How a process is held still and let go on: by the freezer of a control group that is its own,
// which nobody can see or catch, else by SIGSTOP; and whether it stands still, as /proc shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/rows.h"
#include "engine/sys/doors.h"

namespace gameday {

struct Activity {
  bool stopped = false;   // every thread is stopped by a signal
  std::uint64_t ran = 0;  // how long all its threads have run: nanoseconds, else clock ticks
};
// not_found: it is gone, or a zombie.
[[nodiscard]] Result<Activity> activity_of(const ProcessId& id, const Doors& doors);

// The freezer of one control group, of version 1 (a hierarchy of its own) or 2.
struct Freezer {
  int version = 2;
  std::string folder;  // the group's
};
[[nodiscard]] Json to_json(const Freezer& freezer);
[[nodiscard]] std::optional<Freezer> freezer_from(const Json& value);

// The freezer that holds this process, with nobody but its descendants beside it, and that we may
// use; nothing where there is none.
[[nodiscard]] std::optional<Freezer> own_freezer(const ProcessFacts& facts, const Doors& doors);

enum class Frozen { no, under_way, yes, no_group };
[[nodiscard]] Frozen frozen(const Freezer& freezer, const Doors& doors);
// Returns before all are frozen. `not_found` where the group is gone.
[[nodiscard]] Status set_frozen(const Freezer& freezer, bool wanted, const Doors& doors);

}  // namespace gameday
