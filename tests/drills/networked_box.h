// Containers on a network of both families, with sockets of the tests' own in their namespaces.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "tests/drills/docker_fixture.h"
#include "tests/drills/netns_fixture.h"

namespace gameday {

// One of several on a network with both families: its packets can be sent and counted, and there is
// a rule of somebody else's.
class NetworkedBox {
 public:
  NetworkedBox(const std::string& network, const std::string& number)
      : four(own_addresses() + number),
        six(six_of(number)),
        box("--network " + network + " --ip " + four + " --ip6 " + six) {
    for (const char* tables : {"iptables", "ip6tables"}) {
      run(std::string(tables) + " -N THEIRS");
      run(std::string(tables) + " -A INPUT -p udp --dport 9999 -j DROP");
    }
    server4.emplace(path(), four + ":80");
    server6.emplace(path(), "[" + six + "]:80");
  }
  static std::string prefix() {
    constexpr int kGroup = 1000;
    return "fd97:" + std::to_string(getpid() % kGroup) + ":" + std::to_string(getpid() / kGroup);
  }
  static std::string six_of(const std::string& number) { return prefix() + "::" + number; }
  [[nodiscard]] std::string path() const { return "/proc/" + box.is("{{.State.Pid}}") + "/ns/net"; }
  std::string run(const std::string& command) const {
    return told("nsenter --net=" + path() + " " + command);
  }
  // Every rule of every table, without what counts and what tells the time.
  [[nodiscard]] std::string rules() const {
    const std::string plain = " | sed 's/\\[[0-9:]*\\]//; /^#/d'";
    return run("iptables-save" + plain) + run("ip6tables-save" + plain);
  }
  [[nodiscard]] std::string reaches(const NetworkedBox& other) const {
    return ClientInside(path(), other.four + ":80").state() + ", " +
           ClientInside(path(), "[" + other.six + "]:80").state();
  }

  const std::string four, six;
  const TestContainer box;
  std::optional<ServerInside> server4, server6;
};

// The network that they are on.
class TestNetwork : public TestPart {
 public:
  TestNetwork()
      : TestPart("network", "--ipv6 --subnet " + own_addresses() + "0/24 --subnet " +
                                NetworkedBox::prefix() + "::/64") {}
};

// Whether all ways for traffic of our own were found: a network that was just made has no address
// of its gateway's in use yet.
inline bool has_all_flows(const Undo& undo) {
  const Json rules = undo.arguments.items("containers").front().get("block");
  const auto flows = rules.items("flows");
  return flows.size() == 4 &&
         std::ranges::all_of(flows, [](const Json& flow) { return flow.boolean("taken", false); });
}

// How many of so many datagrams from one namespace to an address in another one are lost.
inline int lost_of(int count, const std::string& from, const std::string& to,
                   const std::string& address) {
  const bool six = address.contains(':');
  const int family = six ? AF_INET6 : AF_INET;
  const auto where = resolve_address((six ? "[" + address + "]" : address) + ":7777");
  auto sender = socket_inside(from, family, SOCK_DGRAM).value();
  auto taker = socket_inside(to, family, SOCK_DGRAM).value();
  EXPECT_EQ(bind(taker.get(), where->get(), where->size), 0) << address;
  int arrived = 0;
  for (int i = 0; i < count; ++i) {
    (void)sendto(sender.get(), "x", 1, 0, where->get(), where->size);
    char byte = 0;
    pollfd wait{taker.get(), POLLIN, 0};
    const bool last = i + 1 == count;
    while (poll(&wait, 1, last ? 100 : 0) == 1 && recv(taker.get(), &byte, 1, 0) == 1) ++arrived;
  }
  return count - arrived;
}

}  // namespace gameday
