// A process on a machine behind ssh, found by its pidfile there: who it is, by boot, pid and start
// time, and what scripts that run there need to know of it.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/remote.h"

namespace gameday {

struct RemoteProcess {
  Remote remote;
  std::string mark;
  std::string pidfile;
  std::vector<std::string> start_again;  // its command; empty: none is known
  std::int64_t pid = 0;
  std::string start;  // clock ticks since boot
  std::string exe;
  std::string shown;  // "process 4711 (shop-gateway --region west)"
  double lasts_s = 0;
};
[[nodiscard]] Json to_json(const RemoteProcess& process);
[[nodiscard]] Result<RemoteProcess> remote_process_from(const Json& value);

// The living one of the deed's target; refuses one that we may not signal.
[[nodiscard]] Result<RemoteProcess> remote_process_of(const Deed& deed, const DeedContext& context);

// Shell functions: `alive` whether it is still there, `state` its letter in /proc, `ran` the clock
// ticks that it has run, `named` whether the pidfile names a living one of its kind ($q).
[[nodiscard]] std::string functions_of(const RemoteProcess& process);

// What stands at a pidfile there, in the words of `key value` lines: pid, start, exe, state,
// command.
[[nodiscard]] Result<std::string> look_at_pidfile(const Remote& remote, const std::string& pidfile,
                                                  const DeedContext& context);

// The same for a probe, of the pidfile that the target names, and besides its age in seconds, rss
// in bytes, and how many descriptors it has open.
[[nodiscard]] Result<std::string> look_for_process(const Target& target,
                                                   const DeedContext& context);

// A deed whose undo is `undo`, after those functions.
[[nodiscard]] RemoteDeed deed_on(const RemoteProcess& process, const std::string& undo);

}  // namespace gameday
