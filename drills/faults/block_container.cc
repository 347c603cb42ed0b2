// Cuts containers off, one or all of a region: by rules in their own network namespaces, which stop
// what goes to and comes from anybody but each other. Names are looked up, and lead nowhere. With
// `to` it is one link alone: what goes from each of them to that one container, and comes from it,
// by its own addresses; a port that is published on the machine is another way there.
#include "drills/systems/container_packets.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "to",
     .type = FieldType::target,
     .help = "The only container that can no longer be reached, by the addresses that it has; "
             "without it, nobody can."},
    kStoppedWay,
    kOfExisting,
};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const auto prepare_one = [&](const Member& member, const Netns& netns,
                               const Affected& affected) -> Result<Undo> {
    const Packets& packets = affected.packets;
    if (!packets.everything) return prepare_block_in(netns, packets, some_of(packets), context);
    TRY(people, neighbours_of(member, affected, context));
    return prepare_block_in(netns, packets, people, context);
  };
  return prepare_in_each("block-container", deed, prepare_one, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_in_each(
      undo, [&](const Undo& rules) { return prove_host_block(rules, context); }, context);
}

}  // namespace

extern const FaultRow block_container_fault;
const FaultRow block_container_fault{
    .name = "block-container",
    .summary =
        "Cuts a container, or all of a region, off from everybody but each other, or from one "
        "other container alone, by rules in their own network namespaces.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights = kRightsOfContainerRules,
    .example = "- { fault: block-container, target: cache, for: 5s }",
    .prepare = prepare,
    .inject = set_in_each,
    .prove = prove,
    .undo = remove_in_each,
    .gone = gone_in_each,
    .close = nullptr,
    .discover = discover_in_each,
    .as = "block",
    .may = may_in_each,
    .takes_region = true,
    .ends_with_instance = true,
};

}  // namespace gameday
