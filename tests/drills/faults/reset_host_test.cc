// `reset` on a host: real connections between real network namespaces, of both families.
#include "drills/systems/own_traffic.h"
#include "drills/systems/packet_reset.h"
#include "tests/drills/netns_fixture.h"

namespace gameday {

extern const FaultRow reset_host_fault;

namespace {

constexpr const char* kRefused = "Connection refused";

class ResetHostTest : public testing::Test {
 protected:
  ResetHostTest() {
    std::filesystem::create_directories(world_.private_folder());
    world_.add_target("near", "host", Json::object({{"netns", near_.path()}}));
  }
  static Deed of_port(std::int64_t port) {
    return {"step", "reset-host", "near", Json::object({{"port", port}})};
  }
  static Deed of_address(const char* address, std::int64_t port = 0) {
    Json addresses = Json::array();
    addresses.push(address);
    return {"step", "reset-host", "near", Json::object({{"addresses", addresses}, {"port", port}})};
  }
  Undo injected(const Deed& deed) {
    const auto undo = reset_host_fault.prepare(deed, world_.context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = reset_host_fault.inject(deed, undo.value_or(Undo{}), world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof proof(const Undo& undo) {
    const auto seen = reset_host_fault.prove({}, undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  // As another process would undo it, and twice; what was seen afterwards.
  std::string undone(const Undo& undo) {
    const auto again = undo_from(Json::parse(to_json(undo).dump()).value());
    EXPECT_FALSE(reset_host_fault.gone(*again, world_.context())->held);
    EXPECT_TRUE(reset_host_fault.undo(*again, world_.context()));
    EXPECT_TRUE(reset_host_fault.undo(*again, world_.context()));
    const Proof gone = reset_host_fault.gone(*again, world_.context()).value();
    EXPECT_TRUE(gone.held) << gone.text;
    return gone.text;
  }
  [[nodiscard]] std::string reaches(const std::string& address) const {
    return ClientInside(near_, address).state();
  }
  void let_all_pass(const char* verb) const {
    for (const char* tables : {"iptables", "ip6tables"}) {
      for (const char* chain : {"INPUT", "OUTPUT"}) {
        std::vector<std::string> words = {tables, verb, chain};
        if (verb == std::string("-I")) words.emplace_back("1");
        words.insert(words.end(), {"-j", "ACCEPT"});
        (void)near_.run(words);
      }
    }
  }

  DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
  ServerInside own4_{near_, "127.0.0.1:80"}, own6_{near_, "[::1]:80"};
  ServerInside web4_{far_, "10.77.0.2:80"}, web6_{far_, "[fd77::2]:80"};
  ServerInside other4_{far_, "10.77.0.2:81"};
};

TEST_F(ResetHostTest, ConnectionsOfAPortThatAreThereAndNewOnesAreResetAndNothingElse) {
  const std::string rules = near_.rules();
  const ClientInside four(near_, "10.77.0.2:80"), six(near_, "[fd77::2]:80");
  const ClientInside other(near_, "10.77.0.2:81");
  const Descriptor far4 = web4_.accepted(), far6 = web6_.accepted(), far = other4_.accepted();
  ASSERT_EQ(crosses(four.number(), far4.get()), "crossed");
  ASSERT_EQ(crosses(six.number(), far6.get()), "crossed");
  const Undo undo = reset_host_fault.prepare(of_port(80), world_.context()).value();
  EXPECT_EQ(near_.rules(), rules) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(reset_host_fault.inject(of_port(80), undo, world_.context()));
  // Its own end by its own packet, the other one by its own.
  EXPECT_EQ(crosses(four.number(), four.number()), "reset");
  EXPECT_EQ(crosses(far4.get(), far4.get()), "reset");
  EXPECT_EQ(crosses(six.number(), six.number()), "reset");
  EXPECT_EQ(crosses(far6.get(), far6.get()), "reset");
  for (const char* address : {"10.77.0.2:80", "[fd77::2]:80", "127.0.0.1:80", "[::1]:80"}) {
    EXPECT_EQ(reaches(address), kRefused) << address;
  }
  EXPECT_EQ(crosses(other.number(), far.get()), "crossed");
  EXPECT_EQ(reaches("10.77.0.2:81"), "connected");
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  for (const char* family : {"IPv4", "IPv6"}) {
    const Json seen = bitten.facts.get(family);
    ASSERT_EQ(seen.items("tried").size(), 1U) << bitten.text;
    EXPECT_TRUE(seen.items("tried").front().boolean("reset", false));
    EXPECT_GE(seen.integer("resets", 0), 1);
  }
  const auto marks = reset_host_fault.discover(of_port(80), world_.context());
  ASSERT_TRUE(marks) << marks.error().text;
  EXPECT_EQ(marks->items().size(), 2U) << "in both families";
  EXPECT_EQ(undone(undo), "no rule of this deed is there, 127.0.0.1:80, [::1]:80 answers again");
  EXPECT_EQ(near_.rules(), rules);
  EXPECT_EQ(reaches("10.77.0.2:80"), "connected");
  EXPECT_TRUE(reset_host_fault.discover(of_port(80), world_.context())->items().empty());
}

TEST_F(ResetHostTest, OfAnAddressItIsOneFamilyAndDatagramsPass) {
  const Undo undo = injected(of_address("10.77.0.2"));
  EXPECT_EQ(reaches("10.77.0.2:80"), kRefused);
  EXPECT_EQ(reaches("10.77.0.2:81"), kRefused);
  EXPECT_EQ(reaches("[fd77::2]:80"), "connected");
  EXPECT_EQ(reaches("127.0.0.1:80"), "connected");
  const auto end = [](const TestNetns& netns, const std::string& address) {
    return TrafficEnd{netns_named(netns.path()).value(), address, 0};
  };
  const auto burst = send_burst(
      {"out", Family::v4, end(near_, "10.77.0.1"), end(far_, "10.77.0.2")}, 100, world_.context());
  ASSERT_TRUE(burst && *burst);
  EXPECT_EQ((*burst)->lost(), 0);
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.contains("a connection out was refused")) << bitten.text;
  EXPECT_EQ(undone(undo), "no rule of this deed is there, 10.77.0.2 answers again");
}

TEST_F(ResetHostTest, WhatDoesNotBiteIsTold) {
  const Undo undo = injected(of_port(80));
  EXPECT_TRUE(prove_reset_in(undo, world_.context())->held);
  let_all_pass("-I");
  const Proof evaded = proof(undo);
  EXPECT_FALSE(evaded.held);
  EXPECT_TRUE(evaded.text.contains("a connection inside was made all the same")) << evaded.text;
  let_all_pass("-D");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  (void)near_.run({"ip6tables", "-F", "INPUT"});
  const Proof half = proof(undo);
  EXPECT_FALSE(half.held);
  EXPECT_TRUE(half.text.contains("IPv6: the rules of this deed are not all there")) << half.text;
  (void)undone(undo);
}

// There a refusal tells nothing by itself.
TEST_F(ResetHostTest, WhereNobodyListensItIsWhatTheRulesCount) {
  const Undo undo = injected(of_port(82));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  let_all_pass("-I");
  const Proof by_itself = proof(undo);
  EXPECT_FALSE(by_itself.held);
  EXPECT_TRUE(by_itself.text.contains("a connection inside was refused")) << by_itself.text;
  (void)undone(undo);
}

TEST_F(ResetHostTest, EverythingIsAllButWhatStaysInsideAndIsProvenByOthers) {
  const Deed everything{"step", "reset-host", "near", Json::object({{"i_mean", "everything"}})};
  const Undo undo = injected(everything);
  const Proof none = proof(undo);
  EXPECT_FALSE(none.held);
  EXPECT_TRUE(none.text.contains("the rules have reset nothing")) << none.text;
  EXPECT_EQ(reaches("127.0.0.1:80"), "connected");
  EXPECT_EQ(reaches("10.77.0.2:81"), kRefused);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  (void)undone(undo);
}

// No packet of ours leaves, and none would be answered: it must not count against the other family.
TEST_F(ResetHostTest, AnAddressToWhichNoWayLeadsIsNotTried) {
  near_.ip({"-6", "addr", "flush", "dev", "lo"});
  const Undo undo = injected(of_port(80));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.facts.get("IPv6").items("tried").empty()) << bitten.text;
  (void)undone(undo);
}

TEST_F(ResetHostTest, AWholeMachineIsRefusedUnlessItIsMeant) {
  const auto fits = [](const Deed& deed) {
    Step step;
    step.arguments = deed.arguments;
    return reset_host_fault.fits(step);
  };
  EXPECT_FALSE(fits({"step", "reset-host", "near", Json::object()}));
  EXPECT_TRUE(fits(of_port(80)));
  EXPECT_FALSE(fits(of_address("127.0.0.1"))) << "it would cut the machine off from itself";
  EXPECT_TRUE(fits(of_address("127.0.0.1", 80)));
  EXPECT_FALSE(fits(of_address("example.org")));
  EXPECT_TRUE(reset_host_fault.may(of_port(80), world_.context()));
}

}  // namespace
}  // namespace gameday
