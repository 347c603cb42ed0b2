// A share of packets that is lost on its way, each by chance alone, by rules of iptables on a
// machine or in a network namespace.
#pragma once

#include "drills/systems/traffic_proof.h"
#include "engine/rows.h"

namespace gameday {

inline constexpr Field kLostShare{
    .name = "share",
    .type = FieldType::percent,
    .help =
        "How many of the packets are lost, each by chance alone: of a question and its answer the "
        "one or the other.",
    .required = true,
    .least = 0.01,
    .most = 0.99};

[[nodiscard]] Result<Undo> prepare_loss_in(const Netns& netns, const Packets& packets,
                                           const std::vector<Flow>& flows,
                                           const DeedContext& context);
// By bursts of our own, whose loss must be what chance makes of that share and counted by the
// rules; else by what these count of the packets of others.
[[nodiscard]] Result<Proof> prove_loss_in(const Undo& undo, const DeedContext& context);

}  // namespace gameday
