// A recovered scratch cluster put in the place of a live one: it has been looked at before, so what
// is left to do is to move it there, and its server to start.
#pragma once

#include <string>

#include "drills/systems/data_directory.h"
#include "drills/systems/postgres_nodes.h"
#include "drills/systems/postgres_replay.h"

namespace gameday {

struct InPlace {
  std::string cluster = {};  // the system identifier that the server there has now
  std::int64_t timeline = 0;
  Duration copy{}, cutover{};             // until it was down, and until it answered again
  std::vector<PostgresNode> others = {};  // the playbook's other servers, as they were then
};
[[nodiscard]] Json to_json(const InPlace& placed);

// The undo of a restore out of a backup of the cluster `backed_up`, with the place of the target
// `of` in it. conflict: another cluster is there.
[[nodiscard]] Result<Undo> prepare_in_place(Undo undo, const std::string& of,
                                            const std::string& backed_up,
                                            const DeedContext& context);

// What is there, of the target `of`, is kept beside it (`data.aside()`). Nobody serves the scratch
// cluster. conflict: another server of the cluster takes writes, before that or after it.
[[nodiscard]] Result<InPlace> put_into_place(const std::string& of, const DataDirectory& data,
                                             const ScratchCluster& scratch,
                                             const Recovered& recovered,
                                             const DeedContext& context);

// Puts back what was kept. conflict: others have written to the one in place, and both stay.
[[nodiscard]] Status undo_place(const DataDirectory& data, const DeedContext& context);
[[nodiscard]] Result<Proof> place_gone(const DataDirectory& data, const DeedContext& context);
[[nodiscard]] Status close_place(const DataDirectory& data, bool keep, const DeedContext& context);

}  // namespace gameday
