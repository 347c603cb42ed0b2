// A block of packets on a machine or in a network namespace, by rules of iptables: both families,
// and what shows that it bites and that it is gone.
#pragma once

#include "drills/systems/netns.h"
#include "drills/systems/packets.h"
#include "engine/rows.h"

namespace gameday {

// These are what `block` does to a target with `host`.
[[nodiscard]] Result<Undo> prepare_host_block(const Deed& deed, const DeedContext& context);
[[nodiscard]] Status set_host_block(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> prove_host_block(const Undo& undo, const DeedContext& context);
[[nodiscard]] Status remove_host_block(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> host_block_gone(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Json> discover_host_blocks(const Deed& deed, const DeedContext& context);

// The beginning and the search in any one namespace; the others take such an undo as it is.
// `tried`: whom it must keep from being reached, to be tried before, meanwhile and afterwards.
[[nodiscard]] Result<Undo> prepare_block_in(const Netns& netns, const Packets& packets,
                                            const std::vector<Somebody>& tried,
                                            const DeedContext& context);
// Whether such rules can be set there, of each family that they are of; nothing is set.
[[nodiscard]] Status may_block_in(const Netns& netns, const Packets& packets,
                                  const DeedContext& context);
[[nodiscard]] Status may_block_host(const Deed& deed, const Packets& packets,
                                    const DeedContext& context);
[[nodiscard]] Result<Json> discover_blocks_in(const Netns& netns, const DeedContext& context);

// Whether an undo is one of these.
[[nodiscard]] bool is_host_block(const Undo& undo);

}  // namespace gameday
