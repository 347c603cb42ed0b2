#include "drills/systems/packets.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

struct Range {
  Family family = Family::v4;
  std::array<unsigned char, 16> bytes{};  // of IPv4 the first four
  int prefix = 0;

  [[nodiscard]] int bits() const { return family == Family::v4 ? 32 : 128; }
};

std::optional<Range> range_of(const std::string& text) {
  const auto slash = text.find('/');
  const std::string address = text.substr(0, slash);
  Range range;
  range.family = address.contains(':') ? Family::v6 : Family::v4;
  const int kind = range.family == Family::v4 ? AF_INET : AF_INET6;
  if (inet_pton(kind, address.c_str(), range.bytes.data()) != 1) return {};
  range.prefix = range.bits();
  if (slash == std::string::npos) return range;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + slash + 1, end, range.prefix);
  const bool well = error == std::errc() && stopped == end && slash + 1 < text.size() &&
                    range.prefix >= 0 && range.prefix <= range.bits();
  return well ? std::optional(range) : std::nullopt;
}

bool overlap(const Range& a, const Range& b) {
  if (a.family != b.family) return false;
  const int same = std::min(a.prefix, b.prefix);
  for (int bit = 0; bit < same; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if (((a.bytes[at] ^ b.bytes[at]) & mask) != 0) return false;
  }
  return true;
}

// The address itself, or of a range the one behind the network's own.
std::string first_of(Range range) {
  if (range.prefix <= range.bits() - 2) {
    const auto host = static_cast<std::size_t>(range.bits() / 8 - 1);
    for (int bit = range.prefix; bit < range.bits(); ++bit) {
      auto& byte = range.bytes[static_cast<std::size_t>(bit / 8)];
      byte = static_cast<unsigned char>(byte & ~(0x80 >> (bit % 8)));
    }
    range.bytes[host] = static_cast<unsigned char>(range.bytes[host] | 1);
  }
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(range.family == Family::v4 ? AF_INET : AF_INET6, range.bytes.data(), text, sizeof text);
  return text;
}

Status refuse_loopback(const std::string& address, const Range& range) {
  for (const char* loopback : {"127.0.0.0/8", "::1"}) {
    if (!overlap(range, *range_of(loopback))) continue;
    return fail(
        ErrorCode::refused,
        "`" + address + "` without a port would cut the machine off from itself (" + loopback + ")",
        "name a port");
  }
  return {};
}

// "-p tcp --dport 80", once for each end that the port can be of.
std::vector<std::string> ends(const std::string& protocol, std::int64_t port) {
  const std::string match = " -p " + protocol;
  if (port == 0) return {match};
  const std::string number = std::to_string(port);
  return {match + " --dport " + number, match + " --sport " + number};
}

void add_tcp(const std::string& who, const Packets& packets, std::vector<std::string>& rules) {
  for (const auto& end : ends("tcp", packets.port)) {
    const std::string match = who + end;
    // Without a look at the connection itself, which would have all of the machine's tracked.
    if (packets.existing == "reset") {
      rules.push_back(match + " -j REJECT --reject-with tcp-reset");
      continue;
    }
    if (packets.existing == "cut") {
      rules.push_back(match + " ! --syn -j REJECT --reject-with tcp-reset");
    }
    rules.push_back(match + (packets.existing == "keep" ? " --syn" : "") + " -j DROP");
  }
}

// A packet is of one of these, and so is counted once and has one chance.
void add_losing(const std::string& who, const Packets& packets, std::vector<std::string>& rules) {
  std::vector<std::string> matches;
  if (packets.protocol == "any" && packets.port == 0) matches.emplace_back();
  for (const char* protocol : {"tcp", "udp"}) {
    const bool both = packets.protocol == "any" && packets.port != 0;
    if (!both && packets.protocol != protocol) continue;
    std::ranges::move(ends(protocol, packets.port), std::back_inserter(matches));
  }
  for (const auto& match : matches) {
    rules.push_back(who + match);
    rules.push_back(who + match + " -m statistic --mode random --probability " +
                    std::to_string(packets.share) + " -j DROP");
  }
}

void add_rules(const std::string& who, const Packets& packets, std::vector<std::string>& rules) {
  if (packets.share < 1) return add_losing(who, packets, rules);
  const std::string& protocol = packets.protocol;
  if (protocol != "udp") add_tcp(who, packets, rules);
  if (protocol == "any" && packets.port == 0) {
    rules.push_back(who + " ! -p tcp -j DROP");
  } else if (protocol != "tcp") {
    for (const auto& end : ends("udp", packets.port)) rules.push_back(who + end + " -j DROP");
  }
}

}  // namespace

std::string_view name_of(Family family) { return family == Family::v4 ? "IPv4" : "IPv6"; }

Json to_json(const Packets& packets) {
  Json addresses = Json::array(), spared = Json::array();
  for (const auto& address : packets.addresses) addresses.push(address);
  for (const auto& address : packets.spared) spared.push(address);
  return Json::object({{"addresses", std::move(addresses)},
                       {"port", packets.port},
                       {"protocol", packets.protocol},
                       {"direction", packets.direction},
                       {"existing", packets.existing},
                       {"i_mean", packets.everything ? "everything" : "nothing"},
                       {"spared", std::move(spared)},
                       {"share", packets.share}});
}

Packets packets_from(const Json& arguments) {
  return {texts_in(arguments, "addresses"),
          arguments.integer("port", 0),
          arguments.text("protocol", "any"),
          arguments.text("direction", "both"),
          arguments.text("existing", "drop"),
          arguments.text("i_mean") == "everything",
          texts_in(arguments, "spared"),
          percent_in(arguments, "share").value_or(arguments.number("share", 1))};
}

Status check_packets(const Packets& packets) {
  const bool named = !packets.addresses.empty() || packets.port != 0;
  if (packets.everything && named) {
    return fail(ErrorCode::invalid,
                "`i_mean: everything` has no use for addresses or a port: say one or the other");
  }
  if (!packets.everything && !named) {
    return fail(ErrorCode::refused,
                "without `addresses` or `port` it would cut a whole machine off; name what it "
                "hits, or say `i_mean: everything`");
  }
  for (const auto& address : packets.addresses) {
    const auto range = range_of(address);
    if (!range) {
      return fail(ErrorCode::invalid,
                  "`" + address +
                      "` is no address and no range such as 10.0.0.0/8; a name is not "
                      "looked up, since tomorrow it may be somebody else's");
    }
    if (packets.port == 0) TRY_OK(refuse_loopback(address, *range));
  }
  return {};
}

std::vector<Family> families_of(const Packets& packets) {
  std::vector<Family> families;
  for (const Family family : {Family::v4, Family::v6}) {
    const bool meant = std::ranges::any_of(packets.addresses, [&](const auto& address) {
      const auto range = range_of(address);
      return range && range->family == family;
    });
    if (meant || packets.addresses.empty()) families.push_back(family);
  }
  return families;
}

bool hits_way(const Packets& packets, bool inwards) {
  return packets.direction != (inwards ? "out" : "in");
}

std::vector<std::string> rules_for(const Packets& packets, Family family, bool inwards) {
  std::vector<std::string> rules;
  if (!hits_way(packets, inwards)) return rules;
  if (packets.everything) rules.push_back(std::string(inwards ? "-i" : "-o") + " lo -j RETURN");
  for (const auto& address : packets.spared) {
    const auto range = range_of(address);
    if (!range || range->family != family) continue;
    rules.push_back((inwards ? "-s " : "-d ") + address + " -j RETURN");
  }
  // Neighbours find each other by these, which IPv4 does below of what is blocked here.
  constexpr int kFirstOfNeighbours = 133, kLastOfNeighbours = 136;
  for (int type = kFirstOfNeighbours; family == Family::v6 && type <= kLastOfNeighbours; ++type) {
    rules.push_back("-p icmpv6 --icmpv6-type " + std::to_string(type) + " -j RETURN");
  }
  // A reset that tells of a cut must not be stopped on its way.
  const bool resets = packets.existing == "cut" || packets.existing == "reset";
  if (resets) rules.emplace_back("-p tcp --tcp-flags RST RST -j RETURN");
  if (packets.addresses.empty()) add_rules("", packets, rules);
  for (const auto& address : packets.addresses) {
    const auto range = range_of(address);
    if (!range || range->family != family) continue;
    add_rules((inwards ? "-s " : "-d ") + address, packets, rules);
  }
  return rules;
}

bool stops(std::string_view rule) { return rule.contains("-j DROP") || rule.contains("-j REJECT"); }

std::vector<Somebody> some_of(const Packets& packets) {
  constexpr std::size_t kMost = 8;
  std::vector<Somebody> found;
  for (const auto& address : packets.addresses) {
    const auto range = range_of(address);
    if (range && found.size() < kMost) found.push_back({first_of(*range), range->family});
  }
  if (packets.addresses.empty() && packets.port != 0) {
    found = {{"127.0.0.1", Family::v4}, {"::1", Family::v6}};
  }
  return found;
}

}  // namespace gameday
