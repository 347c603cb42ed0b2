// Cuts links at their proxies, or what goes to and from a machine by rules of iptables. At a proxy,
// bytes under way are held back, not lost, and arrive when the cut ends, as they do when packets
// are dropped and sent again.
#include "drills/systems/host_block.h"
#include "drills/systems/link_toxic.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "addresses",
     .type = FieldType::texts,
     .help = "On a host: whose packets are stopped, as addresses or ranges of either family; "
             "nobody's in particular where none stands here.",
     .otherwise = "[]"},
    {.name = "port",
     .type = FieldType::integer,
     .help = "On a host: only packets from or to this port of either end; 0 is any.",
     .otherwise = "0",
     .most = 65535},
    {.name = "protocol",
     .type = FieldType::choice,
     .help = "On a host: which packets; with a port, any is both TCP and UDP.",
     .otherwise = "any",
     .choices = kProtocols},
    {.name = "direction",
     .type = FieldType::choice,
     .help = "On a host: whether packets are stopped that come in, that go out, or both.",
     .otherwise = "both",
     .choices = kWays},
    {.name = "existing",
     .type = FieldType::choice,
     .help = "On a host: what becomes of TCP connections that are there already: drop lets them "
             "hang, cut resets them at their next packet, keep lets them go on.",
     .otherwise = "drop",
     .choices = kExisting},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "On a host: without addresses and port, all of its traffic is stopped only where "
             "`everything` stands here; what stays inside of the machine is not.",
     .otherwise = "nothing",
     .choices = kMeant},
};

constexpr OtherWay kOnHost{
    .facet = "host",
    .rights =
        "by rules of iptables and ip6tables: root, or CAP_NET_ADMIN, and in a "
        "network namespace that is not ours CAP_SYS_ADMIN",
    .example = "- { fault: block, target: machine, port: 8200, for: 5s }"};

Status fits(const Step& step) {
  const Packets packets = packets_from(step.arguments);
  if (!step.target.empty()) return check_packets(packets);
  if (to_json(packets) == to_json(packets_from(Json::object()))) return {};
  return fail(ErrorCode::invalid,
              "a link is cut as a whole; `addresses`, `port`, `protocol`, `direction`, `existing` "
              "and `i_mean` are for a target with `host`");
}

constexpr Duration kLongEnoughToJoin = std::chrono::milliseconds(100);

// What passed the proxy so far; equal before and after means that nothing did.
struct Passed {
  std::int64_t joined, up, down;
  bool operator==(const Passed&) const = default;
};

Result<Passed> passed(const LinkInForce& link, const DeedContext& context) {
  TRY(status, ask_link(link, Json::object({{"op", "status"}}), context));
  return Passed{status.integer("upstream_connects", -1), status.integer("bytes_up", -1),
                status.integer("bytes_down", -1)};
}

// A connection of our own is accepted and not joined, although upstream is there to be reached
// beside the proxy. A handshake under way when the block came may still end once.
Result<bool> cut(const LinkInForce& link, const DeedContext& context) {
  constexpr int kMostLooks = 3;
  for (int look = 0; look < kMostLooks; ++look) {
    TRY(before, passed(link, context));
    TRY(own, connect_to(link.listen, context));
    TRY_OK(context.doors.clock.pause(kLongEnoughToJoin, context.until));
    TRY(after, passed(link, context));
    if (before == after) return true;
  }
  return false;
}

Result<Shown> look(const LinkInForce& link, const Json&, const DeedContext& context) {
  TRY(is_cut, cut(link, context));
  return Shown{is_cut, is_cut ? "passes nothing on" : "still passes traffic on", {}};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const bool on_links =
      !deed.arguments.text("link").empty() || !deed.arguments.text("region").empty();
  if (on_links) return prepare_toxic(deed, Json::object(), nullptr, context);
  return prepare_host_block(deed, context);
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  return is_host_block(undo) ? set_host_block(undo, context) : add_toxic(deed, undo, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return is_host_block(undo) ? prove_host_block(undo, context) : prove_toxic(undo, look, context);
}

Status undo(const Undo& undo, const DeedContext& context) {
  return is_host_block(undo) ? remove_host_block(undo, context) : remove_toxic(undo, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  return is_host_block(undo) ? host_block_gone(undo, context) : toxic_gone(undo, context);
}

Status may(const Deed& deed, const DeedContext& context) {
  return may_block_host(deed, packets_from(deed.arguments), context);
}

Status renew(const Undo& undo, const DeedContext& context) {
  return is_host_block(undo) ? Status() : renew_toxic(undo, context);
}

}  // namespace

extern const FaultRow block_fault;
const FaultRow block_fault{
    .name = "block",
    .summary = "Cuts links, or what goes to and from a machine: nothing passes.",
    .fields = kFields,
    .facet = "link",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights = "by the links' proxies, which run as the same user",
    .example = "- { fault: block, region: eu-west, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .renew = renew,
    .discover = discover_host_blocks,
    .other_way = &kOnHost,
    .fits = fits,
    .may = may,  // is asked on a host alone: links have proxies
};

}  // namespace gameday
