// How many descriptors more a running process may open. The kernel holds the soft limit; lowering
// that one alone takes no right that putting it back would lack.
#pragma once

#include "drills/systems/process.h"

namespace gameday {

// The field of such faults.
inline constexpr Field kLeaveDescriptors{.name = "leave",
                                         .type = FieldType::integer,
                                         .help = "How many descriptors it may still open.",
                                         .otherwise = "0",
                                         .least = 0,
                                         .most = 100000};

// Refuses one that has no more left as it is.
[[nodiscard]] Result<Undo> prepare_descriptor_limit(std::string_view kind, const ProcessId& id,
                                                    const std::string& shown, const Deed& deed);
// These stand in the rows as they are.
[[nodiscard]] Status limit_descriptors(const Deed& deed, const Undo& undo,
                                       const DeedContext& context);
[[nodiscard]] Result<Proof> descriptors_limited(const Deed& deed, const Undo& undo,
                                                const DeedContext& context);
[[nodiscard]] Status free_descriptors(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> descriptors_freed(const Undo& undo, const DeedContext& context);

}  // namespace gameday
