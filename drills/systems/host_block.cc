#include "drills/systems/host_block.h"

#include <algorithm>

#include "drills/systems/attempts.h"
#include "drills/systems/netns.h"
#include "drills/systems/packet_rules.h"

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

Json to_json(const std::vector<Somebody>& people) {
  Json list = Json::array();
  for (const auto& somebody : people) list.push(somebody.address);
  return list;
}

std::vector<Somebody> people_in(const Json& addresses) {
  std::vector<Somebody> people;
  for (const Json& address : addresses.items()) {
    const std::string text = address.is_text() ? address.text() : "";
    people.push_back({text, text.contains(':') ? Family::v6 : Family::v4});
  }
  return people;
}

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

std::string shown(const std::vector<Somebody>& people, std::int64_t port) {
  std::string text;
  for (const auto& somebody : people) {
    const bool six = somebody.family == Family::v6 && port != 0;
    text += (text.empty() ? "" : ", ") + (six ? "[" + somebody.address + "]" : somebody.address);
    if (port != 0) text += ":" + std::to_string(port);
  }
  return text;
}

// Where what we send goes through although what others send does not.
bool lets_ours_through(const Packets& packets) {
  if (packets.direction != "in") return false;
  const bool of_others = packets.everything || !packets.addresses.empty();
  return packets.protocol == "udp" || (packets.existing == "keep" && of_others);
}

// Of a datagram is only known that it was let out.
std::string_view does(const Packets& packets) {
  return packets.protocol == "udp" ? "is sent to" : "answers";
}
std::string_view does_not(const Packets& packets) {
  return packets.protocol == "udp" ? "is not sent to" : "does not answer";
}

// What one family shows. Packets of our own that are stopped show something only where they were
// answered before; those of others always do.
struct Seen {
  bool whole = false;
  std::int64_t by_others = 0;  // packets stopped that are not ours
  std::vector<Somebody> stopped, passed;
  [[nodiscard]] bool bites() const {
    return whole && passed.empty() && (by_others > 0 || !stopped.empty());
  }
};

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

std::string told(const Seen& seen, Family family, const Packets& packets) {
  const auto port = packets.port;
  const std::string name(name_of(family));
  if (!seen.whole) return name + ": the rules of this deed are not all there";
  if (!seen.passed.empty()) {
    return name + ": " + shown(seen.passed, port) + " " + std::string(does(packets)) +
           " all the same";
  }
  if (!seen.stopped.empty()) {
    return name + ": " + shown(seen.stopped, port) + " " + std::string(does_not(packets)) +
           " any more";
  }
  if (seen.by_others == 0) {
    return name +
           ": nothing that it would stop has come by, and what was tried answered not "
           "before either";
  }
  return name + ": " + std::to_string(seen.by_others) + " packets of others were stopped";
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
  TRY(answered, who_answers(netns.path, tried, packets, context));
  return Undo{"block",
              Json::object({{"netns", to_json(netns)},
                            {"packets", to_json(packets)},
                            {"mark", context.mark},
                            {"file", context.private_folder + "/" + context.mark + ".rules"},
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
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  bool one = false;
  for (const Family family : families) {
    TRY(seen, watch(*entrance, family, block, each || !one, context));
    const bool spoilt = !seen.whole || !seen.passed.empty();
    one = one || seen.bites();
    proof.held = proof.held && !spoilt && (!each || seen.bites());
    proof.text += (proof.text.empty() ? "" : "; ") + told(seen, family, block.packets);
    proof.facts.set(name_of(family), Json::object({{"bites", seen.bites()},
                                                   {"packets_of_others", seen.by_others},
                                                   {"stopped", to_json(seen.stopped)},
                                                   {"passed", to_json(seen.passed)}}));
  }
  proof.held = proof.held && one;
  return proof;
}

Status remove_host_block(const Undo& undo, const DeedContext& context) {
  TRY(block, block_in(undo));
  TRY_OK(context.doors.files.remove(block.file));
  TRY(entrance, entrance_to(block.netns, context.doors));
  if (!entrance) return {};
  Status first;
  for (const Family family : families_of(block.packets)) {
    const auto removed = remove_rules(*entrance, family, block.mark, context);
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
