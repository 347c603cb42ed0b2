// The asking side of control sockets: where they are, and one request over one.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

// The machine's folder of control sockets, where users find each other's.
inline constexpr std::string_view kControlFolder = "/run/gameday";

// /run/gameday where we may write to it, else $XDG_RUNTIME_DIR/gameday; makes nothing.
[[nodiscard]] Result<std::string> control_folder();

// The folder of that control socket: for everybody's eyes where it is the machine's, else ours.
[[nodiscard]] Status make_control_folder(const std::string& control_path, const Files& files);

// One request and its answer, as control.h has them. `whom` names the other side in errors ("the
// proxy"). not_found: nobody answers there; its own errors come through.
[[nodiscard]] Result<Json> ask_control(const std::string& path, const Json& request,
                                       const std::string& whom, const Clock& clock,
                                       const Until& until);

}  // namespace gameday
