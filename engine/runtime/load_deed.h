// A load as a deed: it writes into the system, so its cleanup is an undo that is on disk before the
// first request is sent.
#pragma once

#include "engine/rows.h"

namespace gameday {

inline constexpr std::string_view kLoadKind = "load";

// What deletes everything that this load may write, in this drill.
[[nodiscard]] Undo load_undo(const LoadSpec& spec, const std::string& drill);
[[nodiscard]] Status undo_load(const Undo& undo, const DeedContext& context);
// The ledger's list, where there is one, must be empty.
[[nodiscard]] Result<Proof> load_gone(const Undo& undo, const DeedContext& context);

}  // namespace gameday
