// Fills ${name} in a playbook's values from --var and its `vars`. Works on the tree, after parsing,
// so that no value can change the playbook's structure; ${env:..} and ${file:..} are secrets and
// stay, a file with its path from the playbook's folder on: whoever looks it up may stand
// elsewhere.
#pragma once

#include "engine/playbook/load_playbook.h"
#include "engine/playbook/yaml.h"

namespace gameday {

// Those that it was filled in with: the given ones, and the playbook's own `vars` for what is not
// given.
Vars fill_vars(Node& root, const Vars& vars, const std::string& folder, Problems& problems);

// Letters, digits and underscores, no digit first.
[[nodiscard]] bool is_var_name(std::string_view name);

}  // namespace gameday
