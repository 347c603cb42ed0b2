// `block` on a host: real packets between real network namespaces, of both families.
#include <poll.h>

#include "drills/systems/attempts.h"
#include "drills/systems/host_block.h"
#include "drills/systems/packet_rules.h"
#include "tests/drills/netns_fixture.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

extern const FaultRow block_fault;

namespace {

using namespace std::chrono_literals;

Json list(std::initializer_list<const char*> texts) {
  Json items = Json::array();
  for (const char* text : texts) items.push(text);
  return items;
}

// What a forked child works with: whoever starts children is a thread, which a fork leaves behind.
class Child {
 public:
  explicit Child(DeedWorld& world) : world_(world) {}
  [[nodiscard]] DeedContext context() const {
    return {doors_,
            world_.system(),
            secrets_,
            "drill",
            "drill-1",
            world_.private_folder(),
            world_.context().until};
  }

 private:
  DeedWorld& world_;
  const std::unique_ptr<Processes> processes_ =
      make_processes(world_.clock(), {}, world_.doors().observer);
  const Doors doors_{world_.clock(), world_.doors().files, *processes_, world_.doors().http,
                     world_.doors().observer};
  const Secrets secrets_;
};

class BlockHostTest : public testing::Test {
 protected:
  BlockHostTest() {
    std::filesystem::create_directories(world_.private_folder());
    world_.add_target("near", "host", Json::object({{"netns", near_.path()}}));
    world_.add_target("far", "host", Json::object({{"netns", far_.path()}}));
  }

  Result<Undo> prepare(const Json& arguments, const std::string& target = "near",
                       const std::string& mark = "drill-1") {
    deed_.target = target;
    deed_.arguments = arguments;
    return block_fault.prepare(deed_, world_.context(mark));
  }
  Undo injected(const Json& arguments, const std::string& target = "near",
                const std::string& mark = "drill-1") {
    const auto undo = prepare(arguments, target, mark);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = block_fault.inject(deed_, undo.value_or(Undo{}), world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof proof(const Undo& undo) {
    const auto seen = block_fault.prove(deed_, undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    const auto seen = block_fault.gone(undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  void expect_undone(const Undo& undo) {
    const auto done = block_fault.undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }
  std::string reaches(const std::string& address) const {
    return ClientInside(near_, address).state();
  }

  DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
  ServerInside web4_{far_, "10.77.0.2:80"}, web6_{far_, "[fd77::2]:80"};
  ServerInside other4_{far_, "10.77.0.2:81"};
  Deed deed_{.id = "step", .kind = "block", .target = "", .arguments = Json::object()};
};

TEST_F(BlockHostTest, StopsBothFamiliesOfThePortAndNothingElse) {
  const std::string rules = near_.rules();
  const Undo undo =
      prepare(Json::object({{"addresses", list({"10.77.0.2", "fd77::2"})}, {"port", 80}})).value();
  EXPECT_EQ(near_.rules(), rules) << "preparing must change nothing";
  EXPECT_EQ(proof(undo).text,
            "IPv4: the rules of this deed are not all there; IPv6: the rules of "
            "this deed are not all there");
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(block_fault.inject(deed_, undo, world_.context()));
  EXPECT_EQ(reaches("10.77.0.2:80"), "silent");
  EXPECT_EQ(reaches("[fd77::2]:80"), "silent");
  EXPECT_EQ(reaches("10.77.0.2:81"), "connected");
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).text,
            "IPv4: 10.77.0.2:80 does not answer any more; IPv6: [fd77::2]:80 does not answer any "
            "more");
  EXPECT_EQ(gone(undo).text, "IPv4 rules of this deed are still there");
  expect_undone(undo);
  EXPECT_EQ(gone(undo).text,
            "no rule of this deed is there, 10.77.0.2:80, [fd77::2]:80 answers again");
  EXPECT_EQ(reaches("10.77.0.2:80"), "connected");
  EXPECT_EQ(reaches("[fd77::2]:80"), "connected");
  EXPECT_EQ(near_.rules(), rules);
}

TEST_F(BlockHostTest, OneFamilyLeavesTheOtherAlone) {
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.0/24"})}}));
  EXPECT_EQ(reaches("10.77.0.2:80"), "silent");
  EXPECT_EQ(reaches("10.77.0.2:81"), "silent");
  EXPECT_EQ(reaches("[fd77::2]:80"), "connected");
  EXPECT_EQ(near_.run({"ip6tables", "-S"}).find("gameday"), std::string::npos);
  expect_undone(undo);
}

TEST_F(BlockHostTest, AnAddressOfSixIsStoppedAndItsNeighbourStillFound) {
  const Undo undo = injected(Json::object({{"addresses", list({"fd77::/64"})}}));
  near_.ip({"neigh", "flush", "dev", "east"});
  EXPECT_EQ(reaches("[fd77::2]:80"), "silent") << "not `no route to host`";
  EXPECT_EQ(reaches("10.77.0.2:80"), "connected");
  expect_undone(undo);
  EXPECT_EQ(reaches("[fd77::2]:80"), "connected");
}

TEST_F(BlockHostTest, OneDirectionLetsTheOtherPass) {
  // Datagrams, which need no answer.
  const auto socket_at = [&](const TestNetns& netns, const std::string& address) {
    auto made = socket_inside(netns.path(), AF_INET, SOCK_DGRAM).value();
    const auto where = resolve_address(address);
    EXPECT_EQ(bind(made.get(), where->get(), where->size), 0);
    return made;
  };
  const Descriptor near = socket_at(near_, "10.77.0.1:53"), far = socket_at(far_, "10.77.0.2:53");
  const auto to_far = resolve_address("10.77.0.2:53"), to_near = resolve_address("10.77.0.1:53");
  ASSERT_EQ(connect(near.get(), to_far->get(), to_far->size), 0);
  ASSERT_EQ(connect(far.get(), to_near->get(), to_near->size), 0);
  Json arguments = Json::object({{"addresses", list({"10.77.0.2"})}, {"protocol", "udp"}});
  arguments.set("direction", "out");
  Undo undo = injected(arguments);
  EXPECT_EQ(crosses(near.get(), far.get()), "silent");
  EXPECT_EQ(crosses(far.get(), near.get()), "crossed");
  EXPECT_EQ(reaches("10.77.0.2:80"), "connected") << "only UDP was named";
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
  arguments.set("direction", "in");
  undo = injected(arguments, "near", "drill-2");
  EXPECT_EQ(crosses(near.get(), far.get()), "crossed");
  EXPECT_EQ(crosses(far.get(), near.get()), "silent");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
}

TEST_F(BlockHostTest, ConnectionsThatAreThereHangAreResetOrGoOn) {
  struct Case {
    const char *existing, *seen, *after;
  };
  for (const Case& one : {Case{"drop", "silent", "crossed"}, Case{"cut", "reset", "reset"},
                          Case{"keep", "crossed", "crossed"}}) {
    for (const char* address : {"10.77.0.2", "fd77::2"}) {
      const bool six = std::string(address).contains(':');
      const ClientInside client(near_, six ? "[fd77::2]:80" : "10.77.0.2:80");
      const Descriptor server = (six ? web6_ : web4_).accepted();
      ASSERT_EQ(crosses(client.number(), server.get()), "crossed");
      const Undo undo =
          injected(Json::object({{"addresses", list({address})}, {"existing", one.existing}}),
                   "near", std::string("drill-") + one.existing + (six ? "6" : "4"));
      EXPECT_EQ(reaches(six ? "[fd77::2]:80" : "10.77.0.2:80"), "silent") << one.existing;
      (void)send(client.number(), "x", 1, MSG_NOSIGNAL);
      EXPECT_EQ(crosses(server.get(), client.number()), one.seen) << one.existing << address;
      EXPECT_TRUE(proof(undo).held) << one.existing << ": " << proof(undo).text;
      expect_undone(undo);
      const std::string last = crosses(server.get(), client.number(), 3000);
      EXPECT_TRUE(last == one.after || (one.after == std::string("reset") && last != "crossed"))
          << one.existing << address << ": " << last;
    }
  }
}

TEST_F(BlockHostTest, WhatNobodyReachedBeforeProvesNothingUntilPacketsOfOthersAreStopped) {
  // Nobody has that address: packets go out, and nothing ever comes back.
  near_.ip({"neigh", "add", "10.77.0.9", "lladdr", "02:00:00:00:00:09", "dev", "east"});
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.9"})}}));
  const Proof none = proof(undo);
  EXPECT_FALSE(none.held);
  EXPECT_NE(none.text.find("nothing that it would stop has come by"), std::string::npos)
      << none.text;
  const ClientInside somebody(near_, "10.77.0.9:80");
  EXPECT_TRUE(proof(undo).held);
  expect_undone(undo);
}

TEST_F(BlockHostTest, ARuleThatStandsBeforeOursIsFoundOut) {
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.2"})}, {"port", 80}}));
  (void)near_.run({"iptables", "-I", "OUTPUT", "1", "-j", "ACCEPT"});
  (void)near_.run({"iptables", "-I", "INPUT", "1", "-j", "ACCEPT"});
  EXPECT_FALSE(proof(undo).held);
  EXPECT_EQ(proof(undo).text, "IPv4: 10.77.0.2:80 answers all the same");
  expect_undone(undo);
  EXPECT_NE(near_.rules().find("-A OUTPUT -j ACCEPT"), std::string::npos) << "it is not ours";
}

TEST_F(BlockHostTest, ItIsNotProvenWithHalfOfItsRules) {
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.2", "fd77::2"})}}));
  EXPECT_TRUE(proof(undo).held);
  (void)near_.run({"ip6tables", "-F", "INPUT"});
  EXPECT_FALSE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held) << "a chain without a way that leads there is a rest";
  expect_undone(undo);
  EXPECT_TRUE(block_fault.undo(undo, world_.context())) << "twice is once";
}

TEST_F(BlockHostTest, TakesAwayOnlyItsOwnMark) {
  (void)near_.run({"iptables", "-A", "OUTPUT", "-d", "192.0.2.1", "-j", "DROP"});
  const std::string before = near_.rules();
  const Json web = Json::object({{"addresses", list({"10.77.0.2"})}, {"port", 80}});
  const Undo mine = injected(web, "near", "mine"), theirs = injected(web, "near", "theirs");
  ASSERT_TRUE(block_fault.undo(mine, world_.context()));
  EXPECT_EQ(reaches("10.77.0.2:80"), "silent");
  EXPECT_FALSE(gone(theirs).held);
  const auto marks = block_fault.discover(deed_, world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  ASSERT_EQ(marks->items().size(), 1U) << marks->dump();
  EXPECT_EQ(marks->items()[0].text("mark"), "theirs");
  expect_undone(theirs);
  EXPECT_EQ(near_.rules(), before);
}

TEST_F(BlockHostTest, AChainThatIsMadeForItGoesAgainAndWhatOthersHaveStays) {
  const Json web = Json::object({{"addresses", list({"10.77.0.2"})}, {"port", 80}});
  const auto there = [&] { return near_.run({"nft", "list", "ruleset"}); };
  expect_undone(injected(web));
  EXPECT_FALSE(there().contains("chain")) << there();
  const Undo used = injected(web);
  (void)near_.run({"iptables", "-A", "OUTPUT", "-d", "192.0.2.1", "-j", "DROP"});
  (void)near_.run({"iptables", "-P", "INPUT", "DROP"});
  EXPECT_TRUE(block_fault.undo(used, world_.context()));
  EXPECT_TRUE(there().contains("chain OUTPUT") && there().contains("policy drop")) << there();
  (void)near_.run({"iptables", "-F", "OUTPUT"});
  (void)near_.run({"iptables", "-P", "INPUT", "ACCEPT"});
  const std::string before = there();
  expect_undone(injected(web));
  EXPECT_EQ(there(), before) << "they were there before";
}

TEST_F(BlockHostTest, ItIsNotGoneWhileThisMachineItselfIsStoppedByAnotherRule) {
  const ServerInside own(near_, "10.77.0.1:80");
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.1"})}, {"port", 80}}));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  (void)near_.run({"iptables", "-A", "OUTPUT", "-d", "10.77.0.1", "-j", "DROP"});
  ASSERT_TRUE(block_fault.undo(undo, world_.context()));
  EXPECT_FALSE(gone(undo).held);
  EXPECT_NE(gone(undo).text.find("another rule stops it"), std::string::npos) << gone(undo).text;
  (void)near_.run({"iptables", "-F", "OUTPUT"});
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BlockHostTest, OfSomebodyElseWhoStaysSilentItOnlyTells) {
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.2"})}, {"port", 80}}));
  far_.ip({"link", "set", "west", "down"});
  ASSERT_TRUE(block_fault.undo(undo, world_.context()));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(gone(undo).text, "no rule of this deed is there, 10.77.0.2:80 does not answer yet");
}

TEST_F(BlockHostTest, EverythingIsAllButWhatStaysInside) {
  const ServerInside own(near_, "127.0.0.1:80");
  ASSERT_EQ(reaches("127.0.0.1:80"), "connected");
  const Undo undo = injected(Json::object({{"i_mean", "everything"}}));
  EXPECT_EQ(reaches("127.0.0.1:80"), "connected");
  EXPECT_EQ(reaches("10.77.0.2:81"), "silent");
  EXPECT_EQ(reaches("[fd77::2]:80"), "silent");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
  EXPECT_EQ(reaches("10.77.0.2:81"), "connected");
}

TEST_F(BlockHostTest, RefusesAWholeMachineItsLoopbackAndWhatIsNoAddress) {
  const auto refusal = [&](const Json& arguments) {
    const auto undo = prepare(arguments);
    return undo ? std::string("accepted") : undo.error().text;
  };
  const auto about = [](std::initializer_list<const char*> addresses, std::int64_t port = 0) {
    return Json::object({{"addresses", list(addresses)}, {"port", port}});
  };
  EXPECT_NE(refusal(Json::object()).find("i_mean: everything"), std::string::npos);
  for (const char* loopback :
       {"127.0.0.1", "127.1.0.0/16", "0.0.0.0/0", "::1", "::/0", "96.0.0.0/3"}) {
    EXPECT_NE(refusal(about({loopback})).find("from itself"), std::string::npos) << loopback;
  }
  EXPECT_TRUE(prepare(about({"127.0.0.1", "::1"}, 80)));
  for (const char* none :
       {"example.org", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "1.2.3", "fd00::/129", ""}) {
    EXPECT_NE(refusal(about({none}, 80)).find("is no address"), std::string::npos) << none;
  }
  Json both = about({"10.77.0.2"});
  both.set("i_mean", "everything");
  EXPECT_NE(refusal(both).find("one or the other"), std::string::npos);
}

TEST_F(BlockHostTest, ANamespaceThatIsGoneHasTakenItsRulesWithIt) {
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.2"})}}));
  near_.close();
  EXPECT_TRUE(block_fault.undo(undo, world_.context()));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(block_fault.inject(deed_, undo, world_.context()).error().code, ErrorCode::not_found);
  EXPECT_FALSE(proof(undo).held);
}

TEST_F(BlockHostTest, ANamespaceWithoutItsNameIsFoundByWhoIsInIt) {
  const Undo undo = injected(Json::object({{"addresses", list({"10.77.0.2"})}}));
  const std::string path = near_.path();
  const auto child = world_.doors().processes.start_detached(
      {{"nsenter", "--net=" + path, "--", "sleep", "60"}, "/", {}}, "/dev/null");
  ASSERT_TRUE(child);
  const std::string inside = "/proc/" + std::to_string(child->pid) + "/ns/net";
  ASSERT_TRUE(eventually([&] {
    return std::filesystem::exists(inside) && std::filesystem::equivalent(inside, path);
  }));
  near_.close();
  EXPECT_FALSE(gone(undo).held) << "whoever is in it is still cut off";
  expect_undone(undo);
  ASSERT_TRUE(world_.doors().processes.signal(*child, SIGKILL));
}

TEST_F(BlockHostTest, AnUndoFromAnotherNamespaceFindsItsOwn) {
  // Of `own`, as a runner in that namespace would have prepared it.
  Undo undo = injected(Json::object({{"addresses", list({"10.77.0.2"})}, {"port", 80}}));
  Json netns = undo.arguments.get("netns");
  netns.set("path", "/proc/self/ns/net");
  undo.arguments.set("netns", netns);
  const auto child = world_.doors().processes.start_detached(
      {{"nsenter", "--net=" + near_.path(), "--", "sleep", "60"}, "/", {}}, "/dev/null");
  ASSERT_TRUE(child);
  EXPECT_TRUE(eventually([&] { return !gone(undo).held; }));
  expect_undone(undo);
  EXPECT_EQ(near_.rules().find("gameday"), std::string::npos);
  ASSERT_TRUE(world_.doors().processes.signal(*child, SIGKILL));
}

TEST_F(BlockHostTest, DiesAnywhereAndIsUndoneByAnother) {
  const std::string before = near_.rules();
  for (int change = 0; change < 40; ++change) {
    const Undo undo =
        prepare(Json::object({{"addresses", list({"10.77.0.2", "fd77::2"})}, {"port", 80}}), "near",
                "drill-" + std::to_string(change))
            .value();
    const bool died = world_.dies_at(
        change, [&] { (void)block_fault.inject(deed_, undo, Child(world_).context()); });
    expect_undone(undo);
    EXPECT_EQ(near_.rules(), before);
    EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
    if (died) continue;
    EXPECT_GT(change, 4);
    return;
  }
  FAIL() << "it never came to its end";
}

TEST_F(BlockHostTest, WithoutIptablesOrTheRightItIsNotStarted) {
  world_.add_target("own", "host", Json::object({{"netns", "own"}}));
  const pid_t child = fork();
  if (child == 0) {
    const bool dropped = setgid(65534) == 0 && setuid(65534) == 0;
    deed_.target = "own";
    deed_.arguments = Json::object({{"port", 80}});
    const auto undo = block_fault.prepare(deed_, Child(world_).context());
    _exit(dropped && !undo && undo.error().code == ErrorCode::refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_FALSE(netns_named("no-such"));
  EXPECT_FALSE(netns_named("some/where"));
  EXPECT_FALSE(netns_named("/etc/hosts")) << "it is a file, and no namespace";
}

}  // namespace
}  // namespace gameday
