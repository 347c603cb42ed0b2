// A share of a container's packets is lost: by rules in its own network namespace, each by chance,
// as on a line that is bad. What its region's containers send each other is not, and with `to` it
// is one link alone.
#include "drills/systems/container_packets.h"
#include "drills/systems/packet_loss.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    kLostShare,
    {.name = "to",
     .type = FieldType::target,
     .help = "The only container whose packets are lost, by the addresses that it has; without it, "
             "everybody's are."},
    kStoppedWay,
};

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const auto prepare_one = [&](const Member& member, const Netns& netns, const Affected& affected) {
    return prepare_loss_in(netns, affected.packets, flows_of(member, netns, affected), context);
  };
  return prepare_in_each("loss-container", deed, prepare_one, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_in_each(
      undo, [&](const Undo& rules) { return prove_loss_in(rules, context); }, context);
}

}  // namespace

extern const FaultRow loss_container_fault;
const FaultRow loss_container_fault{
    .name = "loss-container",
    .summary =
        "Loses a share of the packets of a container, or of all of a region, by rules in their own "
        "network namespaces, as a line that is bad does.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = kRightsOfContainerRules,
    .example = "- { fault: loss-container, target: cache, share: 20%, for: 5s }",
    .prepare = prepare,
    .inject = set_in_each,
    .prove = prove,
    .undo = remove_in_each,
    .gone = gone_in_each,
    .close = nullptr,
    .discover = discover_in_each,
    .as = "loss",
    .may = may_in_each,
    .takes_region = true,
    .ends_with_instance = true,
};

}  // namespace gameday
