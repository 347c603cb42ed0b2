// Cuts containers off, one or all of a region: by rules in their own network namespaces, which stop
// what goes to and comes from anybody but each other. Links inside of the region stay, and so does
// the engine's resolver, which answers inside of each namespace: names are looked up, and lead
// nowhere. A container that is started anew has a namespace without rules; the proof says so. With
// `to` it is one link alone: what goes from each of them to that one container, and comes from it,
// by its own addresses; a port that is published on the machine is another way there.
#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "drills/systems/container_network.h"
#include "drills/systems/host_block.h"
#include "drills/systems/packet_rules.h"

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

struct Member {
  HeldContainer held;
  Container now;
};

Result<std::vector<Member>> members_of(const Deed& deed, const DeedContext& context) {
  const auto region = deed.arguments.text("region");
  const auto names = deed.target.empty() ? names_in(context.system, region, "container")
                                         : std::vector{deed.target};
  if (names.empty()) {
    return fail(ErrorCode::not_found, "region " + region + " has no target with `container`");
  }
  std::vector<Member> members;
  for (const auto& name : names) {
    Deed one = deed;
    one.target = name;
    TRY(held, keep_container(one, false, context));
    TRY(engine, engine_of(held, context));
    TRY(now, still_held(held, engine, context));
    members.push_back({std::move(held), std::move(now)});
  }
  return members;
}

// One namespace has one block, whoever lives in it: somebody whom nobody named must not.
Status refuse_unnamed(const std::vector<Member>& members, const DockerEngine& engine,
                      const DeedContext& context) {
  std::vector<Container> named;
  for (const auto& member : members) named.push_back(member.now);
  TRY(together, others_in_network_of(named, engine, context));
  if (together.empty()) return {};
  return fail(ErrorCode::refused, together + ": one cannot be cut off without the other",
              "give both of them the same region, and block that");
}

void add_address(const std::string& text, std::vector<std::string>& into) {
  const auto address = text.substr(0, text.find('/'));
  if (!address.empty() && std::ranges::find(into, address) == into.end()) into.push_back(address);
}

// Of all members, on all of their networks.
std::vector<std::string> addresses_of(const std::vector<Member>& members) {
  std::vector<std::string> found;
  for (const auto& member : members) {
    for (const auto& [name, network] :
         member.now.all.get("NetworkSettings").get("Networks").members()) {
      add_address(network.text("IPAddress"), found);
      add_address(network.text("GlobalIPv6Address"), found);
    }
  }
  return found;
}

// Whom a member could reach until now, on its own networks: their gateways and who else is there.
Result<std::vector<Somebody>> neighbours_of(const Member& member,
                                            const std::vector<std::string>& inside,
                                            const DockerEngine& engine,
                                            const DeedContext& context) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> found;
  for (const auto& [name, network] :
       member.now.all.get("NetworkSettings").get("Networks").members()) {
    add_address(network.text("Gateway"), found);
    add_address(network.text("IPv6Gateway"), found);
    TRY(whole, engine.get("/networks/" + percent_encoded(network.text("NetworkID")), context));
    if (!whole.get("Containers").is_object()) continue;
    for (const auto& [id, other] : whole.get("Containers").members()) {
      add_address(other.text("IPv4Address"), found);
      add_address(other.text("IPv6Address"), found);
    }
  }
  std::vector<Somebody> people;
  for (const auto& address : found) {
    if (std::ranges::find(inside, address) != inside.end() || people.size() == kMost) continue;
    people.push_back({address, address.contains(':') ? Family::v6 : Family::v4});
  }
  return people;
}

// The other end of the one link that is cut. Its own network is not touched.
Result<Member> other_end(const std::string& name, const Deed& deed, const DeedContext& context) {
  Deed one = deed;
  one.target = name;
  TRY(held, keep_container(one, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  return Member{std::move(held), std::move(now)};
}

// Whose packets are stopped: everybody's but the members' own, or those of one other container.
Result<Packets> packets_of(const Deed& deed, const std::vector<Member>& members,
                           const DeedContext& context) {
  Packets packets = packets_from(deed.arguments);
  const auto to = deed.arguments.text("to");
  if (to.empty()) {
    packets.everything = true;
    packets.spared = addresses_of(members);
    return packets;
  }
  TRY(other, other_end(to, deed, context));
  packets.addresses = addresses_of({other});
  const bool itself = std::ranges::any_of(members, [&](const auto& member) {
    return member.held.id == other.held.id ||
           network_mode(other.now) == std::string(kJoins) + member.held.id;
  });
  if (itself || packets.addresses.empty()) {
    return fail(ErrorCode::refused,
                itself ? "there is no link from " + shown(other.held) + " to itself to be cut"
                       : shown(other.held) + " has no address of its own that could be blocked",
                itself ? "name another container with `to`"
                       : "block a target with `host`, by addresses or a port");
  }
  return packets;
}

// One member as an undo keeps it: `block` is what a host's undo is, of its own namespace.
struct Blocked {
  HeldContainer held;
  Undo block;
};

Result<std::vector<Blocked>> blocked_in(const Undo& undo) {
  std::vector<Blocked> all;
  for (const Json& one : undo.arguments.items("containers")) {
    TRY(held, held_container_from(one));
    all.push_back({std::move(held), {"block", one.get("block")}});
  }
  if (all.empty()) return fail(ErrorCode::corrupt, "the undo of a block has no container");
  return all;
}

// Each may wait for answers that do not come: side by side, a large region is as quick as one.
template <class Item, class Look>
auto side_by_side(const std::vector<Item>& items, const Look& look) {
  std::vector<std::future<decltype(look(items.front()))>> looks;
  for (const auto& item : items) {
    looks.push_back(std::async(std::launch::async, [&look, &item] { return look(item); }));
  }
  std::vector<decltype(look(items.front()))> found;
  for (auto& one : looks) found.push_back(one.get());
  return found;
}

// Held where it holds of all of them.
template <class Look>
Result<Proof> look_at_all(const Undo& undo, const Look& look) {
  TRY(all, blocked_in(undo));
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  const auto seen = side_by_side(all, look);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!seen[i]) return std::unexpected(seen[i].error().in(shown(all[i].held)));
    proof.held = proof.held && seen[i]->held;
    proof.text += (i == 0 ? "" : "; ") + shown(all[i].held) + ": " + seen[i]->text;
    proof.facts.set(all[i].held.name, seen[i]->facts);
  }
  return proof;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(members, members_of(deed, context));
  TRY(engine, engine_of(members.front().held, context));
  TRY_OK(refuse_unnamed(members, engine, context));
  TRY(packets, packets_of(deed, members, context));
  std::erase_if(members, [](const auto& one) { return network_mode(one.now).starts_with(kJoins); });
  const auto blocks = side_by_side(members, [&](const Member& member) -> Result<Undo> {
    TRY(netns, netns_of(member.held, member.now));
    if (!packets.everything) return prepare_block_in(netns, packets, some_of(packets), context);
    TRY(people, neighbours_of(member, packets.spared, engine, context));
    return prepare_block_in(netns, packets, people, context);
  });
  Json containers = Json::array();
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!blocks[i]) return std::unexpected(blocks[i].error());
    containers.push(to_json(members[i].held).set("block", blocks[i]->arguments));
  }
  return Undo{"block-container", Json::object({{"containers", std::move(containers)}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(all, blocked_in(undo));
  TRY(engine, engine_of(all.front().held, context));
  for (const auto& one : all) TRY_OK(still_held(one.held, engine, context));
  for (const auto& one : all) TRY_OK(set_host_block(one.block, context));
  return {};
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return look_at_all(undo, [&](const Blocked& one) -> Result<Proof> {
    TRY(engine, engine_of(one.held, context));
    const auto now = still_held(one.held, engine, context);
    if (!now && now.error().code == ErrorCode::conflict) {
      return Proof{false, "it ended, or was started anew, and its rules are gone with its network",
                   Json::object()};
    }
    if (!now) return std::unexpected(now.error());
    return prove_host_block(one.block, context);
  });
}

// Without the engine, which may be gone: a namespace is found by its number, and one that is gone
// has taken its rules with it.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(all, blocked_in(undo));
  Status first;
  for (const auto& one : all) {
    const auto removed = remove_host_block(one.block, context);
    if (!removed && first) first = std::unexpected(removed.error().in(shown(one.held)));
  }
  return first;
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  return look_at_all(undo, [&](const Blocked& one) { return host_block_gone(one.block, context); });
}

Result<Json> discover(const Deed& deed, const DeedContext& context) {
  TRY(members, members_of(deed, context));
  Json all = Json::array();
  for (const auto& member : members) {
    TRY(netns, netns_of(member.held, member.now));
    TRY(found, discover_blocks_in(netns, context));
    for (const Json& one : found.items()) all.push(one);
  }
  return all;
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(members, members_of(deed, context));
  TRY(packets, packets_of(deed, members, context));
  TRY_OK(check_packets(packets));
  for (const auto& member : members) {
    TRY(netns, netns_of(member.held, member.now));
    for (const Family family : {Family::v4, Family::v6}) {
      TRY_OK(may_set_rules(netns.path, family, context));
    }
  }
  return {};
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
    .rights =
        "to speak to the Docker engine of this machine, and to set rules of iptables and "
        "ip6tables in network namespaces: root, or CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_SYS_PTRACE",
    .example = "- { fault: block-container, target: cache, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .discover = discover,
    .as = "block",
    .may = may,
    .takes_region = true,
    .ends_with_instance = true,
};

}  // namespace gameday
