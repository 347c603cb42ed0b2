#include "drills/systems/host_block.h"

#include <algorithm>

#include "drills/systems/attempts.h"
#include "drills/systems/block_proof.h"
#include "drills/systems/netns.h"
#include "drills/systems/packet_rules.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Duration kAnswersWithin = std::chrono::seconds(1);
constexpr Duration kLook = std::chrono::milliseconds(100);

struct HostBlock {
  Netns netns;
  Packets packets;
  std::string mark;
  std::string file;                // private, while rules are being set
  std::vector<Somebody> tried;     // whom it must keep from being reached
  std::vector<Somebody> answered;  // those of them that could be reached beforehand
};

Result<HostBlock> block_in(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(netns, netns_from(from.get("netns")));
  HostBlock block{
      std::move(netns),  packets_from(from.get("packets")), from.text("mark"),
      from.text("file"), people_in(from.get("tried")),      people_in(from.get("answered"))};
  if (block.mark.empty() || block.file.empty()) {
    return fail(ErrorCode::corrupt, "a block's undo lacks its mark or its file");
  }
  return block;
}

Result<std::vector<Somebody>> who_answers(const std::string& entrance,
                                          const std::vector<Somebody>& people,
                                          const Packets& packets, const DeedContext& context) {
  TRY(reached, try_each(entrance, people, packets, kAnswersWithin, context));
  std::vector<Somebody> found;
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (reached[i] == Reached::yes) found.push_back(people[i]);
  }
  return found;
}

// `waits`: where nothing of ours shows it, for packets of others to come by.
Result<Seen> watch(const std::string& entrance, Family family, const HostBlock& block, bool waits,
                   const DeedContext& context) {
  constexpr Duration kComesBy = std::chrono::seconds(3);
  const auto rules = [&] { return look_for_rules(entrance, family, block.mark, context); };
  Seen seen;
  TRY(first, rules());
  seen.whole = are_whole(first, block.packets, family);
  seen.by_others = first.stopped;
  if (!seen.whole) return seen;
  if (!lets_ours_through(block.packets)) {
    std::vector<Somebody> tried = block.tried;
    std::erase_if(tried, [&](const auto& somebody) { return somebody.family != family; });
    TRY(passed, who_answers(entrance, tried, block.packets, context));
    seen.passed = std::move(passed);
    TRY(after, rules());
    for (const auto& somebody : block.answered) {
      if (somebody.family == family && after.stopped > 0) seen.stopped.push_back(somebody);
    }
  }
  TRY(before, rules());
  const Instant last = context.doors.clock.in(kComesBy);
  while (waits && seen.passed.empty() && !seen.bites() && context.doors.clock.now().boot < last) {
    TRY_OK(context.doors.clock.pause(kLook, context.until));
    TRY(now, rules());
    seen.by_others = now.stopped - before.stopped;
  }
  return seen;
}

// Our own addresses answer for themselves, whatever runs here: silence is a rule's doing.
std::vector<Somebody> ours_of(const std::string& entrance, std::vector<Somebody> people) {
  std::erase_if(people, [&](const auto& somebody) { return !is_own(entrance, somebody); });
  return people;
}

Status refuse_what_is_there(const Netns& netns, Family family, const DeedContext& context) {
  TRY_OK(may_set_rules(netns.path, family, context));
  TRY(there, look_for_rules(netns.path, family, context.mark, context));
  if (there.none()) return {};
  return fail(ErrorCode::conflict, "rules with the mark " + context.mark + " are there already");
}

}  // namespace

bool is_host_block(const Undo& undo) { return undo.arguments.find("netns") != nullptr; }

Result<Undo> prepare_host_block(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(netns, netns_of(*target));
  const Packets packets = packets_from(deed.arguments);
  return prepare_block_in(netns, packets, some_of(packets), context);
}

Result<Undo> prepare_block_in(const Netns& netns, const Packets& packets,
                              const std::vector<Somebody>& tried, const DeedContext& context) {
  TRY_OK(check_packets(packets));
  for (const Family family : families_of(packets)) {
    TRY_OK(refuse_what_is_there(netns, family, context));
  }
  Json made = Json::object();
  for (const Family family : families_of(packets)) {
    TRY(chains, chains_to_be_made(netns.path, family, context));
    Json names = Json::array();
    for (const auto& chain : chains) names.push(chain);
    made.set(name_of(family), std::move(names));
  }
  TRY(answered, who_answers(netns.path, tried, packets, context));
  return Undo{"block",
              Json::object({{"netns", to_json(netns)},
                            {"packets", to_json(packets)},
                            {"mark", context.mark},
                            {"file", context.private_folder + "/" + context.mark + ".rules"},
                            {"made", std::move(made)},
                            {"tried", to_json(tried)},
                            {"answered", to_json(answered)}})};
}

Status set_host_block(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  TRY(entrance, entrance_to(block.netns, context.doors));
  if (!entrance) return fail(ErrorCode::not_found, block.netns.shown + " is gone");
  for (const Family family : families_of(block.packets)) {
    TRY_OK(set_rules(*entrance, block.packets, family, block.mark, block.file, context));
  }
  return {};
}

Result<Proof> prove_host_block(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  TRY(entrance, entrance_to(block.netns, context.doors));
  if (!entrance) return Proof{false, block.netns.shown + " is gone"};
  const auto families = families_of(block.packets);
  // Where no address is named, one of the two may be without any traffic.
  const bool each = !block.packets.addresses.empty();
  ProofOfBlock proof(block.packets);
  for (const Family family : families) {
    TRY(seen, watch(*entrance, family, block, each || !proof.one_bites(), context));
    proof.add(family, seen);
  }
  return proof.whole();
}

Status remove_host_block(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  TRY_OK(context.doors.files.remove(block.file));
  TRY(entrance, entrance_to(block.netns, context.doors));
  if (!entrance) return {};
  Status first;
  for (const Family family : families_of(block.packets)) {
    auto removed = remove_rules(*entrance, family, block.mark, context);
    if (removed) {
      const auto made = texts_in(undo.arguments.get("made"), name_of(family));
      removed = remove_made_chains(*entrance, family, made, context);
    }
    if (!removed && first) first = removed;
  }
  return first;
}

Result<Proof> host_block_gone(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  TRY(entrance, entrance_to(block.netns, context.doors));
  if (!entrance) return Proof{true, block.netns.shown + " is gone, and its rules with it"};
  for (const Family family : families_of(block.packets)) {
    TRY(there, look_for_rules(*entrance, family, block.mark, context));
    if (there.none()) continue;
    return Proof{false, std::string(name_of(family)) + " rules of this deed are still there"};
  }
  Proof proof{.held = true, .text = "no rule of this deed is there", .facts = Json::object()};
  std::vector<Somebody> silent = block.answered;
  TRY(answer, who_answers(*entrance, block.answered, block.packets, context));
  std::erase_if(silent, [&](const auto& somebody) {
    return std::ranges::find(answer, somebody.address, &Somebody::address) != answer.end();
  });
  proof.facts.set("answer", to_json(answer)).set("silent", to_json(silent));
  const auto port = block.packets.port;
  if (!answer.empty())
    proof.text += ", " + shown(answer, port) + " " + std::string(does(block.packets)) + " again";
  if (silent.empty()) return proof;
  // Of somebody else nobody knows why: that is the system's recovery, which its probes see.
  const auto ours = ours_of(*entrance, silent);
  proof.held = ours.empty();
  proof.text += ours.empty() ? ", " + shown(silent, port) + " does not answer yet"
                             : ", and yet " + shown(ours, port) +
                                   ", which is this machine itself, does not answer: another rule "
                                   "stops it";
  return proof;
}

Status may_block_in(const Netns& netns, const Packets& packets, const DeedContext& context) {
  for (const Family family : families_of(packets)) {
    TRY_OK(may_set_these(netns.path, packets, family, context));
  }
  return {};
}

Status may_block_host(const Deed& deed, const Packets& packets, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  TRY(netns, netns_of(*target));
  return may_block_in(netns, packets, context);
}

Result<Json> discover_host_blocks(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return Json::array();
  TRY(netns, netns_of(*target));
  return discover_blocks_in(netns, context);
}

Result<Json> discover_blocks_in(const Netns& netns, const DeedContext& context) {
  Json found = Json::array();
  for (const Family family : {Family::v4, Family::v6}) {
    TRY(marks, marks_in_rules(netns.path, family, context));
    for (const auto& mark : marks) {
      const std::string where = std::string(name_of(family)) + " rules of " + netns.shown;
      found.push(Json::object({{"where", where}, {"mark", mark}}));
    }
  }
  return found;
}

}  // namespace gameday
