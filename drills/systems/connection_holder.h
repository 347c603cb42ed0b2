// A stressor (stressor.h) that holds connections to a PostgreSQL server, and asks nothing over
// them. They end with it, and it with its lease.
#pragma once

#include <string>

#include "drills/systems/postgres.h"
#include "drills/systems/stressor.h"

namespace gameday {

struct HeldConnections {
  std::int64_t count = 0;
  PostgresSettings settings;  // secrets as references
  std::string lease, mark;
};

// The name under which the server shows them.
[[nodiscard]] std::string holder_name(const std::string& mark);

// It takes what the server gives, up to `count`, and tries again as long as it lives: whoever else
// lets one go loses it.
[[nodiscard]] Status start_holder(const HeldConnections& held, const DeedContext& context);

// The holder itself; `conninfo` and PG* say where, `mark` whose connections they are.
int run_holder(std::int64_t count, const std::string& conninfo, const std::string& mark,
               const std::string& lease, pid_t runner);

}  // namespace gameday
