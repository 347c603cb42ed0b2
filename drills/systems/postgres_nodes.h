// The servers of one PostgreSQL cluster, as they say of themselves: who takes writes, and on which
// timeline. More than one who does is a split brain: what one of them acknowledges is lost when the
// other one is followed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drills/systems/postgres.h"

namespace gameday {

struct PostgresNode {
  std::string target = {};
  std::string problem = {};     // why it did not answer; empty: it did
  std::string identifier = {};  // its cluster's own; empty: not permitted
  bool takes_writes = false;
  std::uint32_t timeline = 0;  // that it writes, or receives; 0: not told
  std::string started = {};    // its server, by which two names of one are told
};
[[nodiscard]] Json to_json(const std::vector<PostgresNode>& nodes);

// The timeline that this server writes, or, of a standby, receives; 0: not told.
[[nodiscard]] Result<std::uint32_t> timeline_of(Postgres& session);

// What these targets say. Each has its share of the time, so that one that is cut off does not keep
// the others from being asked.
[[nodiscard]] std::vector<PostgresNode> look_at_nodes(const std::vector<std::string>& targets,
                                                      const DeedContext& context);
// Every target of the system that has a `postgres` facet.
[[nodiscard]] std::vector<std::string> postgres_targets(const System& system);

// Of those that answer and may be of that cluster, the ones that take writes. A node that does not
// tell its cluster may be of any.
[[nodiscard]] std::vector<PostgresNode> writers_of(const std::string& identifier,
                                                   const std::vector<PostgresNode>& nodes);
// The playbook's other servers than that of the target `place`, whatever else they are called. Each
// has a second at most.
[[nodiscard]] std::vector<PostgresNode> others_than(const std::string& place,
                                                    const DeedContext& context);
// conflict: one of them takes writes as a server of that cluster.
[[nodiscard]] Status refuse_second_writer(const std::string& identifier,
                                          const std::vector<PostgresNode>& others);
// "primary (timeline 1) and replica (timeline 2)"
[[nodiscard]] std::string shown(const std::vector<PostgresNode>& nodes);
// That there is more than one writer, in words; empty: there is not.
[[nodiscard]] std::string split_brain(const std::string& identifier,
                                      const std::vector<PostgresNode>& nodes);

}  // namespace gameday
