// The TCP connections of a container are reset, those that are there at their next packet and new
// ones at once: by rules in its own network namespace, which answer each packet with a reset to
// whoever sent it. All else, as UDP, is left, and so are links inside of the region. With `to` it
// is one link alone.
#include "drills/systems/container_packets.h"
#include "drills/systems/packet_reset.h"
#include "drills/systems/traffic_proof.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "to",
     .type = FieldType::target,
     .help = "The only container to and from which connections are reset, by the addresses that it "
             "has; without it, all are."},
};

// As the rules read it.
Deed of_tcp(Deed deed) {
  deed.arguments.set("protocol", "tcp").set("existing", "reset");
  return deed;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const auto works = [&](const Flow& flow) -> Result<bool> {
    TRY(joined, try_to_join(flow, context));
    return joined == Joined::yes;
  };
  const auto prepare_one = [&](const Member& member, const Netns& netns, const Affected& affected) {
    return prepare_with_traffic(netns, affected.packets, flows_of(member, netns, affected), works,
                                context);
  };
  return prepare_in_each("reset-container", of_tcp(deed), prepare_one, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_in_each(
      undo, [&](const Undo& rules) { return prove_reset_in(rules, context); }, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  return may_in_each(of_tcp(deed), context);
}

}  // namespace

extern const FaultRow reset_container_fault;
const FaultRow reset_container_fault{
    .name = "reset-container",
    .summary =
        "Resets the TCP connections of a container, or of all of a region, those that are there "
        "and new ones, by rules in their own network namespaces.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights = kRightsOfContainerRules,
    .example = "- { fault: reset-container, target: cache, for: 5s }",
    .prepare = prepare,
    .inject = set_in_each,
    .prove = prove,
    .undo = remove_in_each,
    .gone = gone_in_each,
    .close = nullptr,
    .discover = discover_in_each,
    .as = "reset",
    .may = may,
    .takes_region = true,
    .ends_with_instance = true,
};

}  // namespace gameday
