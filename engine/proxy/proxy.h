// The process behind a link: passes TCP traffic from `listen` to `to`, and lets toxics stand in its
// way as long as somebody renews their leases. Never changes a byte.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/sys/clock.h"

namespace gameday {

struct ProxyOptions {
  std::string name;     // the link's, for people
  std::string listen;   // host:port
  std::string to;       // host:port
  std::string control;  // path of the control socket, in a folder that exists
};

// Runs until the stop or a `shutdown` request, in this thread. conflict: somebody else listens
// there.
//
// Requests on the control socket, each answered with "ok" (and "code" and "text" when false):
//   {"op": "status"}     name, listen, to, pid, connections, waiting, accepted, upstream_connects,
//                        upstream_failures, bytes_up, bytes_down, toxics [{kind, mark,
//                        lease_left_s}]
//   {"op": "add", "kind": KIND, "mark": M, "lease_s": 2} and what the kind takes:
//       block; reset: "after_s"; delay: "latency_s", "jitter_s"; limit: "bytes_per_second";
//       slice: "size", "pause_s"; loss-link: "share"; all but the first two also "direction":
//       "both", "up" or "down"
//   {"op": "renew", "mark": M}     not_found once the lease has ended
//   {"op": "remove", "mark": M}
//   {"op": "divert", "from": A, "to": B}   the next connection from A, within 2 s, is joined to B
//   {"op": "shutdown"}
[[nodiscard]] Status run_proxy(const ProxyOptions& options, const Clock& clock, const Stop& stop);

}  // namespace gameday
