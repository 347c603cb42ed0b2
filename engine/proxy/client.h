// How the proxies of a system are found, started and asked. They live as long as the system, not
// as long as a drill.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/sys/doors.h"

namespace gameday {

struct ProxyLink {
  std::string name;
  std::string listen;
  std::string to;
};

// /run/gameday (else $XDG_RUNTIME_DIR/gameday) /proxy-HOST-PORT.sock; makes nothing.
[[nodiscard]] Result<std::string> proxy_control_path(const std::string& listen);

// One request, see proxy.h. not_found: no proxy answers there; its own errors come through.
[[nodiscard]] Result<Json> ask_proxy(const std::string& path, const Json& request,
                                     const Clock& clock, const Until& until);

// The status of a running proxy of that link. not_found: none runs; conflict: the one that runs
// there leads elsewhere.
[[nodiscard]] Result<Json> find_proxy(const ProxyLink& link, const Clock& clock,
                                      const Until& until);

// Whether one of ours runs there, or could. refused: somebody else's does, another user's proxy
// among them, or we may not listen there.
[[nodiscard]] Status may_use_proxy(const ProxyLink& link, const Clock& clock, const Until& until);

// Finds it, or starts it detached and waits until it answers. conflict: something else listens on
// the address. Its complaints go to a log beside the control socket.
[[nodiscard]] Result<Json> start_proxy(const ProxyLink& link, const std::string& executable,
                                       const Doors& doors, const Until& until);

}  // namespace gameday
