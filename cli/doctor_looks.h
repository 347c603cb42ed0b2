// What `gameday doctor` looks at: each part of this machine is tried when asked, in a child where
// trying would change us. Nothing outside of such a child is changed but the folders that a drill
// makes too.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/rows.h"

namespace gameday {

enum class Needed {
  always,   // without it, no drill on processes can run here
  at_times  // some drills, some deaths of ours, or some documents are poorer without it
};

struct Look {
  std::string name;
  Needed needed = Needed::at_times;
  bool ok = false;
  std::string found;   // what was seen
  std::string advice;  // what to install, or what the other way is; empty where all is well
  std::vector<std::string> serves = {};  // faults that want it, of those that there are
};

// `store` is the path that would be used; empty where there is none, and why in `no_store`.
[[nodiscard]] std::vector<Look> look_around(const std::string& store, const std::string& no_store,
                                            const Rows& rows);
[[nodiscard]] bool drills_can_run(const std::vector<Look>& looks);
[[nodiscard]] Json to_json(const std::vector<Look>& looks);

}  // namespace gameday
