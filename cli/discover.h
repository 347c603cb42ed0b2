// Looks for what drills have left on a playbook's targets without asking any store: marks in the
// environments of processes, toxics on its links, lock files. It changes nothing, not even a lock.
#pragma once

#include "engine/base/json.h"
#include "engine/rows.h"

namespace gameday {

// {"processes": [{"target", "pid", "shown", "drill", "mark"}], "toxics": [{"link", "kind", "drill",
// "mark", "lease_left_s"}], "locks": [{"on", "drill", "store", "held"}], "not_looked_at": [text]}
[[nodiscard]] Json discover(const Playbook& playbook, const Rows& rows);
// The same for people, a line a thing.
[[nodiscard]] std::string shown_discovery(const Json& found);

}  // namespace gameday
