// The TCP connections of a machine are reset, or of a network namespace, those that are there at
// their next packet and new ones at once: by rules that answer each packet with a reset to whoever
// sent it. All else, as UDP, is left.
#include "drills/systems/host_block.h"
#include "drills/systems/own_traffic.h"
#include "drills/systems/packet_reset.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "addresses",
     .type = FieldType::texts,
     .help = "With whom connections are reset, as addresses or ranges of either family; nobody in "
             "particular where none stands here.",
     .otherwise = "[]"},
    {.name = "port",
     .type = FieldType::integer,
     .help = "Only connections from or to this port of either end; 0 is any.",
     .otherwise = "0",
     .most = 65535},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "Without addresses and port, all of its connections are reset only where `everything` "
             "stands here, yours to it among them; what stays inside of the machine is not.",
     .otherwise = "nothing",
     .choices = kMeant},
};

// As the rules read it.
Packets of_tcp(const Json& arguments) {
  Packets packets = packets_from(arguments);
  packets.protocol = "tcp";
  packets.existing = "reset";
  return packets;
}

Status fits(const Step& step) { return check_packets(of_tcp(step.arguments)); }

// To those whom it names. Nobody of ours is there to take them, who would be in a service's way:
// whether a refusal is the rules' is told by what they count.
std::vector<Flow> flows_to(const Netns& netns, const Packets& packets) {
  const auto* const way = packets.addresses.empty() ? "inside" : "out";
  std::vector<Flow> flows;
  for (const auto& somebody : some_of(packets)) {
    const TrafficEnd here{netns, somebody.family == Family::v4 ? "0.0.0.0" : "::"};
    flows.push_back({way, somebody.family, here, {netns, somebody.address, packets.port}, false});
  }
  return flows;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(netns, netns_of(*target));
  const Packets packets = of_tcp(deed.arguments);
  TRY_OK(may_block_in(netns, packets, context));
  TRY(undo, prepare_block_in(netns, packets, some_of(packets), context));
  Json flows = Json::array();
  for (const auto& flow : flows_to(netns, packets)) flows.push(to_json(flow));
  return Undo{"reset-host", std::move(undo.arguments.set("flows", std::move(flows)))};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  return set_host_block(undo, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_reset_in(undo, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  return may_block_host(deed, of_tcp(deed.arguments), context);
}

}  // namespace

extern const FaultRow reset_host_fault;
const FaultRow reset_host_fault{
    .name = "reset-host",
    .summary =
        "Resets the TCP connections of a machine or a network namespace, those that are there and "
        "new ones.",
    .fields = kFields,
    .facet = "host",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights =
        "by rules of iptables and ip6tables: root, or CAP_NET_ADMIN, and in a network namespace "
        "that is not ours CAP_SYS_ADMIN",
    .example = "- { fault: reset-host, target: machine, port: 8200, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = remove_host_block,
    .gone = host_block_gone,
    .close = nullptr,
    .discover = discover_host_blocks,
    .fits = fits,
    .as = "reset",
    .may = may,
};

}  // namespace gameday
