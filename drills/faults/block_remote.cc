// Cuts what goes to and from a machine behind ssh, by rules of iptables there. The way by which it
// is undone is let through before anything is stopped, and the machine takes the rules away by
// itself where nobody comes to do so.
#include <algorithm>

#include "drills/systems/block_proof.h"
#include "drills/systems/remote_rules.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    kStoppedAddresses,
    kStoppedPort,
    kStoppedProtocol,
    kStoppedWay,
    kOfExisting,
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "Without addresses and port, all of its traffic but our ssh is stopped only where "
             "`everything` stands here; what stays inside of the machine is not.",
     .otherwise = "nothing",
     .choices = kMeant},
};

struct Block {
  RemoteRules rules;
  Duration lasts{};
  std::vector<Somebody> tried, answered;
  [[nodiscard]] RemoteDeed deed() const {
    return {rules.remote, rules.mark, remove_script(rules), lasts};
  }
};

Result<Block> block_in(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(remote, remote_from(from.get("remote")));
  Block block{
      {std::move(remote), packets_from(from.get("packets")), from.text("mark"), from.get("made")},
      from_seconds(from.number("lasts_s", 0)),
      people_in(from.get("tried")),
      people_in(from.get("answered"))};
  if (block.rules.mark.empty()) return fail(ErrorCode::corrupt, "a block's undo lacks its mark");
  return block;
}

Status fits(const Step& step) { return check_packets(packets_from(step.arguments)); }

// All that would be refused whatever happens until the step comes.
Result<Remote> blockable(const Deed& deed, const Packets& packets, const DeedContext& context) {
  TRY_OK(check_packets(packets));
  TRY(remote, remote_named(deed.target, context));
  if (remote.client.empty()) {
    return fail(ErrorCode::refused,
                remote.ssh.to +
                    " does not see by which address we come: a block there could cut "
                    "the way that its undo needs",
                "come by a connection of TCP");
  }
  return remote;
}

Status may(const Deed& deed, const DeedContext& context) {
  const Packets packets = packets_from(deed.arguments);
  TRY(remote, blockable(deed, packets, context));
  TRY_OK(ask_remote(remote, may_set_script(families_of(packets)), {}, context));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Packets packets = packets_from(deed.arguments);
  TRY(remote, blockable(deed, packets, context));
  const RemoteRules rules{std::move(remote), packets, context.mark};
  const auto tried = some_of(packets);
  TRY(seen, look_at_block(rules, tried, false, context));
  if (seen.there || !seen.four.before.none() || !seen.six.before.none()) {
    return fail(ErrorCode::conflict, "something with the mark " + context.mark + " is already on " +
                                         rules.remote.ssh.to);
  }
  return Undo{"block-remote", Json::object({{"remote", to_json(rules.remote)},
                                            {"packets", to_json(packets)},
                                            {"mark", rules.mark},
                                            {"made", seen.to_be_made},
                                            {"lasts_s", deed.arguments.number("lasts_s", 0)},
                                            {"tried", to_json(tried)},
                                            {"answered", to_json(seen.answer)}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  return do_there(block.deed(), set_script(block.rules), context);
}

Seen seen_of(const Block& block, const RemoteBlockSeen& look, Family family) {
  const auto& rules = look.of(family);
  Seen seen;
  seen.whole = are_whole(rules.before, block.rules.packets, family);
  const auto by_others = rules.after.stopped - rules.tried.stopped;
  seen.by_others = rules.before.stopped > 0 ? rules.before.stopped : by_others;
  if (lets_ours_through(block.rules.packets)) return seen;
  const auto is_of = [&](const Somebody& somebody) { return somebody.family == family; };
  std::ranges::copy_if(look.answer, std::back_inserter(seen.passed), is_of);
  if (rules.tried.stopped > 0) {
    std::ranges::copy_if(block.answered, std::back_inserter(seen.stopped), is_of);
  }
  return seen;
}

// By one connection, and so also a proof that the way of the undo is open.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  const bool waits = block.answered.empty() || lets_ours_through(block.rules.packets);
  TRY(look, look_at_block(block.rules, block.tried, waits, context));
  ProofOfBlock proof(block.rules.packets);
  for (const Family family : families_of(block.rules.packets)) {
    proof.add(family, seen_of(block, look, family));
  }
  Proof whole = proof.whole();
  whole.text += "; ssh from " + block.rules.remote.client + " goes through";
  if (!look.watched) {
    whole.held = false;
    whole.text += ", but nothing there would undo it by itself";
  }
  return whole;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  return undo_there(block.deed(), context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  TRY(look, look_at_block(block.rules, block.answered, false, context));
  Proof proof{.held = true, .text = "no rule of this deed is there", .facts = Json::object()};
  for (const Family family : families_of(block.rules.packets)) {
    if (look.of(family).after.none()) continue;
    return Proof{false, std::string(name_of(family)) + " rules of this deed are still there"};
  }
  if (look.there || look.watched) {
    return Proof{false, "the deed's folder is still on " + block.rules.remote.ssh.to};
  }
  const auto port = block.rules.packets.port;
  std::vector<Somebody> silent = block.answered;
  std::erase_if(silent, [&](const auto& somebody) {
    return std::ranges::find(look.answer, somebody.address, &Somebody::address) !=
           look.answer.end();
  });
  proof.facts.set("answer", to_json(look.answer)).set("silent", to_json(silent));
  if (!look.answer.empty()) {
    proof.text +=
        ", " + shown(look.answer, port) + " " + std::string(does(block.rules.packets)) + " again";
  }
  // Nobody knows why: that is the system's recovery, which its probes see.
  if (!silent.empty()) proof.text += ", " + shown(silent, port) + " does not answer yet";
  return proof;
}

}  // namespace

extern const FaultRow block_remote_fault;
const FaultRow block_remote_fault{
    .name = "block-remote",
    .summary = "Cuts what goes to and from a machine behind ssh, but not our ssh: nothing passes.",
    .fields = kFields,
    .facet = "ssh",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights = "to log in by a key, and there iptables and ip6tables: root, or CAP_NET_ADMIN",
    .example = "- { fault: block-remote, target: edge-1, port: 8200, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .discover = discover_there,
    .fits = fits,
    .as = "block",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
