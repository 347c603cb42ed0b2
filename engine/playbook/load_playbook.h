// Reads a playbook: from its file to the values of playbook.h, or to all that is wrong with it.
// Touches nothing but that file; whether the drill makes sense is asked in check.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/playbook/playbook.h"
#include "engine/playbook/problem.h"
#include "engine/rows.h"

namespace gameday {

using Vars = std::vector<std::pair<std::string, std::string>>;  // --var NAME=VALUE

struct LoadedPlaybook {
  std::optional<Playbook> playbook;  // only where there are no errors
  Problems problems;
  std::string path;    // as given
  std::string source;  // the file's bytes, for rendering
};

// A file that cannot be read is a problem at its line 1, column 1.
[[nodiscard]] LoadedPlaybook load_playbook(const std::string& path, const Vars& vars,
                                           const Rows& rows);

// The same of bytes that are already there; `path` gives the folder.
[[nodiscard]] LoadedPlaybook decode_playbook(const std::string& path, std::string source,
                                             const Vars& vars, const Rows& rows);

// "NAME=VALUE" of a command line.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_var(std::string_view written);

}  // namespace gameday
