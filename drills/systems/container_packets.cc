#include "drills/systems/container_packets.h"

#include <algorithm>
#include <future>

#include "drills/systems/packet_rules.h"

namespace gameday {
namespace {

Result<Member> member_named(const std::string& name, const Deed& deed, const DeedContext& context) {
  Deed one = deed;
  one.target = name;
  TRY(held, keep_container(one, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  return Member{std::move(held), std::move(now)};
}

Result<std::vector<Member>> members_of(const Deed& deed, const DeedContext& context) {
  const auto region = deed.arguments.text("region");
  const auto names = deed.target.empty() ? names_in(context.system, region, "container")
                                         : std::vector{deed.target};
  if (names.empty()) {
    return fail(ErrorCode::not_found, "region " + region + " has no target with `container`");
  }
  std::vector<Member> members;
  for (const auto& name : names) {
    TRY(member, member_named(name, deed, context));
    members.push_back(std::move(member));
  }
  return members;
}

// One namespace has one set of rules, whoever lives in it: somebody whom nobody named must not.
Status refuse_unnamed(const std::vector<Member>& members, const DockerEngine& engine,
                      const DeedContext& context) {
  std::vector<Container> named;
  for (const auto& member : members) named.push_back(member.now);
  TRY(together, others_in_network_of(named, engine, context));
  if (together.empty()) return {};
  return fail(ErrorCode::refused, together + ": one cannot be hit without the other",
              "give both of them the same region, and name that");
}

const Json& networks_of(const Member& member) {
  return member.now.all.get("NetworkSettings").get("Networks");
}

void add_address(const std::string& text, std::vector<std::string>& into) {
  const auto address = text.substr(0, text.find('/'));
  if (!address.empty() && std::ranges::find(into, address) == into.end()) into.push_back(address);
}

// Of all members, on all of their networks.
std::vector<std::string> addresses_of(const std::vector<Member>& members) {
  std::vector<std::string> found;
  for (const auto& member : members) {
    for (const auto& [name, network] : networks_of(member).members()) {
      add_address(network.text("IPAddress"), found);
      add_address(network.text("GlobalIPv6Address"), found);
    }
  }
  return found;
}

// Whose packets are hit: everybody's but the members' own, or those of one other container.
Result<Packets> packets_of(const Deed& deed, const std::vector<Member>& members,
                           const std::optional<Member>& other) {
  Packets packets = packets_from(deed.arguments);
  if (!other) {
    packets.everything = true;
    packets.spared = addresses_of(members);
    return packets;
  }
  packets.addresses = addresses_of({*other});
  const bool itself = std::ranges::any_of(members, [&](const auto& member) {
    return member.held.id == other->held.id ||
           network_mode(other->now) == std::string(kJoins) + member.held.id;
  });
  if (itself || packets.addresses.empty()) {
    return fail(ErrorCode::refused,
                itself
                    ? "there is no link from " + shown(other->held) + " to itself"
                    : shown(other->held) + " has no address of its own, by which it could be told",
                itself ? "name another container with `to`"
                       : "block a target with `host`, by addresses or a port");
  }
  return packets;
}

// One member as an undo keeps it: `rules` is what a host's undo is, of its own namespace.
struct Ruled {
  HeldContainer held;
  Undo rules;
};

Result<std::vector<Ruled>> ruled_in(const Undo& undo) {
  std::vector<Ruled> all;
  for (const Json& one : undo.arguments.items("containers")) {
    TRY(held, held_container_from(one));
    all.push_back({std::move(held), {"block", one.get("block")}});
  }
  if (all.empty()) return fail(ErrorCode::corrupt, "the undo names no container");
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
  TRY(all, ruled_in(undo));
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

}  // namespace

Result<Affected> affected_by(const Deed& deed, const DeedContext& context) {
  TRY(members, members_of(deed, context));
  TRY(engine, engine_of(members.front().held, context));
  std::optional<Member> other;
  if (const auto to = deed.arguments.text("to"); !to.empty()) {
    TRY(end, member_named(to, deed, context));
    other = std::move(end);
  }
  TRY(packets, packets_of(deed, members, other));
  TRY_OK(refuse_unnamed(members, engine, context));
  return Affected{std::move(engine), std::move(members), std::move(other), std::move(packets)};
}

Result<Undo> prepare_in_each(std::string kind, const Deed& deed, const PrepareOne& prepare,
                             const DeedContext& context) {
  TRY(affected, affected_by(deed, context));
  std::erase_if(affected.members,
                [](const auto& one) { return network_mode(one.now).starts_with(kJoins); });
  const auto& members = affected.members;
  const auto rules = side_by_side(members, [&](const Member& member) -> Result<Undo> {
    TRY(netns, netns_of(member.held, member.now));
    return prepare(member, netns, affected);
  });
  Json containers = Json::array();
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!rules[i]) return std::unexpected(rules[i].error());
    containers.push(to_json(members[i].held).set("block", rules[i]->arguments));
  }
  return Undo{std::move(kind), Json::object({{"containers", std::move(containers)}})};
}

Status set_in_each(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(all, ruled_in(undo));
  TRY(engine, engine_of(all.front().held, context));
  for (const auto& one : all) TRY_OK(still_held(one.held, engine, context));
  for (const auto& one : all) TRY_OK(set_host_block(one.rules, context));
  return {};
}

Result<Proof> prove_in_each(const Undo& undo, const LookAtOne& look, const DeedContext& context) {
  return look_at_all(undo, [&](const Ruled& one) -> Result<Proof> {
    TRY(engine, engine_of(one.held, context));
    const auto now = still_held(one.held, engine, context);
    if (!now && now.error().code == ErrorCode::conflict) {
      return Proof{false, "it ended, or was started anew, and its rules are gone with its network",
                   Json::object()};
    }
    if (!now) return std::unexpected(now.error());
    return look(one.rules);
  });
}

// Without the engine, which may be gone: a namespace is found by its number, and one that is gone
// has taken its rules with it.
Status remove_in_each(const Undo& undo, const DeedContext& context) {
  TRY(all, ruled_in(undo));
  Status first;
  for (const auto& one : all) {
    const auto removed = remove_host_block(one.rules, context);
    if (!removed && first) first = std::unexpected(removed.error().in(shown(one.held)));
  }
  return first;
}

Result<Proof> gone_in_each(const Undo& undo, const DeedContext& context) {
  return look_at_all(undo, [&](const Ruled& one) { return host_block_gone(one.rules, context); });
}

Result<Json> discover_in_each(const Deed& deed, const DeedContext& context) {
  TRY(members, members_of(deed, context));
  Json all = Json::array();
  for (const auto& member : members) {
    TRY(netns, netns_of(member.held, member.now));
    TRY(found, discover_blocks_in(netns, context));
    for (const Json& one : found.items()) all.push(one);
  }
  return all;
}

Status may_in_each(const Deed& deed, const DeedContext& context) {
  TRY(affected, affected_by(deed, context));
  TRY_OK(check_packets(affected.packets));
  for (const auto& member : affected.members) {
    TRY(netns, netns_of(member.held, member.now));
    for (const Family family : {Family::v4, Family::v6}) {
      TRY_OK(may_set_these(netns.path, affected.packets, family, context));
    }
  }
  return {};
}

Result<std::vector<Somebody>> neighbours_of(const Member& member, const Affected& affected,
                                            const DeedContext& context) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> found;
  for (const auto& [name, network] : networks_of(member).members()) {
    add_address(network.text("Gateway"), found);
    add_address(network.text("IPv6Gateway"), found);
    TRY(whole,
        affected.engine.get("/networks/" + percent_encoded(network.text("NetworkID")), context));
    if (!whole.get("Containers").is_object()) continue;
    for (const auto& [id, other] : whole.get("Containers").members()) {
      add_address(other.text("IPv4Address"), found);
      add_address(other.text("IPv6Address"), found);
    }
  }
  const auto& inside = affected.packets.spared;
  std::vector<Somebody> people;
  for (const auto& address : found) {
    if (std::ranges::find(inside, address) != inside.end() || people.size() == kMost) continue;
    people.push_back({address, address.contains(':') ? Family::v6 : Family::v4});
  }
  return people;
}

// By the first network that both ends have.
std::vector<Flow> flows_of(const Member& member, const Netns& netns, const Affected& affected) {
  const auto& other = affected.other;
  const auto far =
      other ? netns_of(other->held, other->now) : netns_of_engine(member.held.endpoint);
  std::vector<Flow> flows;
  for (const Family family : {Family::v4, Family::v6}) {
    const auto* const own = family == Family::v4 ? "IPAddress" : "GlobalIPv6Address";
    const auto* const gateway = family == Family::v4 ? "Gateway" : "IPv6Gateway";
    for (const auto& [name, network] : networks_of(member).members()) {
      const auto near = network.text(own);
      const auto away = other ? networks_of(*other).get(name).text(own) : network.text(gateway);
      if (!far || near.empty() || away.empty()) continue;
      const TrafficEnd here{netns, near}, there{*far, away};
      if (hits_way(affected.packets, false)) flows.push_back({"out", family, here, there});
      if (hits_way(affected.packets, true)) flows.push_back({"in", family, there, here});
      break;
    }
  }
  return flows;
}

}  // namespace gameday
