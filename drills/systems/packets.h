// Which packets a fault is about, and what becomes of them, as the rules of iptables say it.
#pragma once

#include <string>
#include <vector>

#include "engine/rows.h"

namespace gameday {

enum class Family { v4, v6 };
[[nodiscard]] std::string_view name_of(Family family);  // "IPv4"

struct Packets {
  std::vector<std::string> addresses;    // "10.0.0.7", "fd00::/8"; none: of anybody
  std::int64_t port = 0;                 // of either end; 0: any
  std::string protocol;                  // any, tcp, udp
  std::string direction;                 // both, in, out
  std::string existing;                  // of connections: drop, cut, keep; or reset: new ones too
  bool everything = false;               // all but what stays inside the machine
  std::vector<std::string> spared = {};  // addresses that everything is without
  double share = 1;                      // of them that is stopped, each packet by chance alone
};
inline constexpr std::string_view kProtocols[] = {"any", "tcp", "udp"};
inline constexpr std::string_view kWays[] = {"both", "in", "out"};
inline constexpr std::string_view kExisting[] = {"drop", "cut", "keep"};
inline constexpr std::string_view kMeant[] = {"nothing", "everything"};

// Fields of the faults that stop packets.
inline constexpr Field kStoppedAddresses{
    .name = "addresses",
    .type = FieldType::texts,
    .help =
        "Whose packets are stopped, as addresses or ranges of either family; nobody's in "
        "particular where none stands here.",
    .otherwise = "[]"};
inline constexpr Field kStoppedPort{.name = "port",
                                    .type = FieldType::integer,
                                    .help =
                                        "Only packets from or to this port of either end; 0 "
                                        "is any.",
                                    .otherwise = "0",
                                    .most = 65535};
inline constexpr Field kStoppedProtocol{
    .name = "protocol",
    .type = FieldType::choice,
    .help = "Which packets; with a port, any is both TCP and UDP.",
    .otherwise = "any",
    .choices = kProtocols};
inline constexpr Field kStoppedWay{
    .name = "direction",
    .type = FieldType::choice,
    .help = "Whether packets are stopped that come in, that go out, or both.",
    .otherwise = "both",
    .choices = kWays};
inline constexpr Field kOfExisting{
    .name = "existing",
    .type = FieldType::choice,
    .help =
        "What becomes of TCP connections that are there already: drop lets them hang, cut "
        "resets them at their next packet, keep lets them go on.",
    .otherwise = "drop",
    .choices = kExisting};

[[nodiscard]] Json to_json(const Packets& packets);
[[nodiscard]] Packets packets_from(const Json& arguments);  // a step's, or an undo's

// Refuses what is no address, what would hit all of a machine without saying so, and its loopback
// as a whole.
[[nodiscard]] Status check_packets(const Packets& packets);

// The families that such packets can be of.
[[nodiscard]] std::vector<Family> families_of(const Packets& packets);

// Whether it is about what comes in, or goes out.
[[nodiscard]] bool hits_way(const Packets& packets, bool inwards);

// Each a rule without its chain: "-s 10.0.0.7 -j DROP". The first that says what becomes of a
// packet holds; of a share, one that says nothing counts what comes by.
[[nodiscard]] std::vector<std::string> rules_for(const Packets& packets, Family family,
                                                 bool inwards);

// Whether such a rule, or a line that lists one, stops packets.
[[nodiscard]] bool stops(std::string_view rule);

// Somebody whose packets are among them, to be tried: of a range its first.
struct Somebody {
  std::string address;
  Family family = Family::v4;
};
[[nodiscard]] std::vector<Somebody> some_of(const Packets& packets);

}  // namespace gameday
