// What a recovery into a scratch cluster needs of this machine, looked at without making anything.
#pragma once

#include <cstdint>
#include <string>

#include "drills/systems/scratch_cluster.h"

namespace gameday {

// refused: a file or a folder in it that is not to be read by that user, who is meant where we are
// root; empty: by ourselves. not_found: it is not there.
[[nodiscard]] Status may_read_files(const std::string& folder, const std::string& user,
                                    const DeedContext& context);

// Whether a scratch cluster with so much in it can be made there. refused: its programs, its user,
// the folder, the right to it or the room are lacking.
[[nodiscard]] Status may_make_scratch(const ScratchWanted& wanted, std::int64_t bytes,
                                      const DeedContext& context);

// Whether what is recovered may take the place of the data of the target `of`, and be looked at
// there.
[[nodiscard]] Status may_take_place(const std::string& of, const DeedContext& context);

// As the target's role there: for the backup's step, or a restore's into place.
[[nodiscard]] Status may_look_at_live(const Target& live, bool reads, const DeedContext& context);

}  // namespace gameday
