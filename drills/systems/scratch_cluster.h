// A PostgreSQL cluster of a drill's own: a copy in a private folder, whose server runs as a user
// without rights, on a socket in that folder alone, and talks to nobody: it archives nothing,
// follows nobody, subscribes to nothing, whatever the cluster that it is a copy of was told to do.
//
// The folder's name carries the deed's mark, and whatever works in it is known by where it works.
// So whoever undoes needs neither a pid nor the process that began.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "drills/systems/postgres.h"

namespace gameday {

struct ScratchCluster {
  std::string folder = {};    // "/var/tmp/gameday-01J...-3"
  std::string mark = {};      // the deed's
  std::string user = {};      // who runs its server; empty: we ourselves
  std::string programs = {};  // the folder of the server's programs

  [[nodiscard]] std::string data() const { return folder + "/data"; }
};
[[nodiscard]] Json to_json(const ScratchCluster& cluster);
[[nodiscard]] Result<ScratchCluster> scratch_cluster_from(const Json& value);

// In which folder a cluster of that mark would stand, as whom, with which programs; nothing is
// made. refused, not_found: it cannot be here, and what is lacking.
struct ScratchWanted {
  std::string in = {};        // "/var/tmp"
  std::string user = {};      // where we are root
  std::string programs = {};  // empty: where the packages of that version put them
  std::string version = {};   // "15"
};
[[nodiscard]] Result<ScratchCluster> plan_scratch(const ScratchWanted& wanted,
                                                  const DeedContext& context);

// Makes the folder and `data` in it. conflict: there is one.
[[nodiscard]] Status make_scratch(const ScratchCluster& cluster, const DeedContext& context);
// Gives what was put into it to whoever runs the server.
[[nodiscard]] Status give_scratch(const ScratchCluster& cluster, const DeedContext& context);
// Where its original's own settings (postgresql.auto.conf) are kept meanwhile, if it had any.
[[nodiscard]] std::string own_settings_of(const ScratchCluster& cluster);
// Makes it ready to recover, with these settings of the server and no others.
using ServerSettings = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Status settle_scratch(const ScratchCluster& cluster, const ServerSettings& settings,
                                    const DeedContext& context);
// The same, as the user of its server.
[[nodiscard]] std::vector<std::string> as_its_user(const ScratchCluster& cluster,
                                                   std::vector<std::string> argv);
// A program of its version, as the user of its server, to its end.
[[nodiscard]] Result<Ended> run_in_scratch(const ScratchCluster& cluster,
                                           std::vector<std::string> argv,
                                           const DeedContext& context);

// Ends what works in it and removes it; idempotent.
[[nodiscard]] Status erase_scratch(const ScratchCluster& cluster, const DeedContext& context);
[[nodiscard]] Result<Proof> scratch_gone(const ScratchCluster& cluster, const DeedContext& context);

}  // namespace gameday
