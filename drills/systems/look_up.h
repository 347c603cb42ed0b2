// Names as a process resolves them that has a file of ours for its /etc/hosts or its
// /etc/resolv.conf.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/name_file.h"
#include "engine/rows.h"

namespace gameday {

// Where processes find such a file: "/etc/hosts".
[[nodiscard]] std::string_view usual_place(NameFile kind);

// The addresses of that name, sorted; none where there is none, or no answer. By the C library, in
// a process of its own: in a mount namespace in which `path` is in its usual place, and in the
// network namespace that the file belongs to where it stands in /etc/netns/NAME.
[[nodiscard]] Result<std::vector<std::string>> look_up(const std::string& name, NameFile kind,
                                                       const std::string& path,
                                                       const DeedContext& context);

}  // namespace gameday
