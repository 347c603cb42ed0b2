// A share of what goes to and from a machine is lost, or of a network namespace: by rules of
// iptables, each packet by chance, as on a line that is bad.
#include "drills/systems/host_block.h"
#include "drills/systems/packet_loss.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    kLostShare,
    kStoppedAddresses,
    kStoppedPort,
    kStoppedProtocol,
    kStoppedWay,
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "Without addresses and port, all of its traffic loses packets only where `everything` "
             "stands here; what stays inside of the machine does not.",
     .otherwise = "nothing",
     .choices = kMeant},
};

Status fits(const Step& step) { return check_packets(packets_from(step.arguments)); }

// Nobody else's machine is sent a burst: from the port that is named to one of our own, inside.
std::vector<Flow> flows_inside(const Netns& netns, const Packets& packets) {
  if (packets.port == 0 || !packets.addresses.empty() || packets.protocol == "tcp") return {};
  std::vector<Flow> flows;
  for (const auto& own : some_of(packets)) {
    flows.push_back(
        {"inside", own.family, {netns, own.address, packets.port}, {netns, own.address}});
  }
  return flows;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(netns, netns_of(*target));
  const Packets packets = packets_from(deed.arguments);
  TRY(undo, prepare_loss_in(netns, packets, flows_inside(netns, packets), context));
  return Undo{"loss", std::move(undo.arguments)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  return set_host_block(undo, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_loss_in(undo, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  return may_block_host(deed, packets_from(deed.arguments), context);
}

}  // namespace

extern const FaultRow loss_fault;
const FaultRow loss_fault{
    .name = "loss",
    .summary = "Loses a share of what goes to and from a machine, as a line that is bad does.",
    .fields = kFields,
    .facet = "host",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights =
        "by rules of iptables and ip6tables: root, or CAP_NET_ADMIN, and in a network namespace "
        "that is not ours CAP_SYS_ADMIN",
    .example = "- { fault: loss, target: machine, port: 8200, share: 20%, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = remove_host_block,
    .gone = host_block_gone,
    .close = nullptr,
    .discover = discover_host_blocks,
    .fits = fits,
    .may = may,
};

}  // namespace gameday
