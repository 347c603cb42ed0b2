// The result document of a drill that came to no journal: an invalid playbook, a store that cannot
// be opened, a lock that another drill holds. Also of one whose journal cannot be read any more.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"

namespace gameday {

struct Unstarted {
  int exit_code = 3;  // 2: the playbook is invalid; 3: not started; or as the drill ended
  std::vector<std::string> reasons;
  std::string version, operator_name, environment;
  std::string playbook, playbook_sha256;  // its name; both empty where it could not be read
  std::uint64_t seed = 0;
  Utc at;
};

// Of the same form as every other; `drill` is null, for there is none.
[[nodiscard]] Json unstarted_document(const Unstarted& unstarted);

}  // namespace gameday
