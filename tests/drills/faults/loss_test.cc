// `loss` on a host: real datagrams between real network namespaces, of both families.
#include "drills/systems/packet_loss.h"
#include "tests/drills/netns_fixture.h"

namespace gameday {

extern const FaultRow loss_fault;

namespace {

class LossTest : public testing::Test {
 protected:
  LossTest() {
    std::filesystem::create_directories(world_.private_folder());
    world_.add_target("near", "host", Json::object({{"netns", near_.path()}}));
  }
  static Deed deed(Json arguments) {
    return {"step", "loss", "near", std::move(arguments.set("share", "20%"))};
  }
  Undo injected(const Deed& deed) {
    const auto undo = loss_fault.prepare(deed, world_.context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = loss_fault.inject(deed, undo.value_or(Undo{}), world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof proof(const Undo& undo) {
    const auto seen = loss_fault.prove({}, undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  void expect_undone(const Undo& undo) {
    EXPECT_FALSE(loss_fault.gone(undo, world_.context())->held);
    EXPECT_TRUE(loss_fault.undo(undo, world_.context()));
    EXPECT_TRUE(loss_fault.gone(undo, world_.context())->held);
  }
  // Of a burst from the one to the other.
  [[nodiscard]] std::int64_t lost(const std::string& from, const std::string& to,
                                  std::int64_t port = 0) {
    const auto end = [&](const TestNetns& netns, const std::string& address) {
      return TrafficEnd{netns_named(netns.path()).value(), address, 0};
    };
    Flow flow{"out", to.contains(':') ? Family::v6 : Family::v4, end(near_, from), end(far_, to)};
    flow.to.port = port;
    const auto burst = send_burst(flow, 2000, world_.context());
    EXPECT_TRUE(burst && *burst) << "no burst went there";
    return burst && *burst ? (*burst)->lost() : -1;
  }

  DeedWorld world_;
  TestNetns near_{world_}, far_{world_};
  Cable cable_{near_, far_};
};

TEST_F(LossTest, OfAPortIsProvenInsideAndHitsNothingElse) {
  const ServerInside web(far_, "10.77.0.2:80");
  const std::string rules = near_.rules();
  const Undo undo = injected(deed(Json::object({{"port", 53}})));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  for (const char* family : {"IPv4", "IPv6"}) {
    const auto tried = bitten.facts.get(family).items("tried");
    ASSERT_EQ(tried.size(), 1U) << bitten.text;
    // Out and in again: 36%, by six standard deviations.
    EXPECT_NEAR(static_cast<double>(tried.front().integer("lost", 0)), 720, 130) << bitten.text;
  }
  EXPECT_NEAR(static_cast<double>(lost("10.77.0.1", "10.77.0.2", 53)), 400, 108);
  EXPECT_NEAR(static_cast<double>(lost("fd77::1", "fd77::2", 53)), 400, 108);
  EXPECT_EQ(lost("10.77.0.1", "10.77.0.2", 54), 0);
  EXPECT_EQ(ClientInside(near_, "10.77.0.2:80").state(), "connected");
  expect_undone(undo);
  EXPECT_EQ(near_.rules(), rules);
  EXPECT_EQ(lost("10.77.0.1", "10.77.0.2", 53), 0);
}

TEST_F(LossTest, OfAnAddressIsProvenByWhatOthersSend) {
  Json addresses = Json::array();
  addresses.push("10.77.0.2");
  const Undo undo = injected(deed(Json::object({{"addresses", addresses}, {"direction", "out"}})));
  EXPECT_NEAR(static_cast<double>(lost("10.77.0.1", "10.77.0.2")), 400, 108);
  EXPECT_EQ(lost("fd77::1", "fd77::2"), 0) << "the other family was not named";
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.facts.get("IPv4").items("tried").empty());
  expect_undone(undo);
  EXPECT_EQ(prove_loss_in(undo, world_.context())->text,
            "IPv4: the rules of this deed are not all there");
  near_.close();
  EXPECT_TRUE(prove_loss_in(undo, world_.context())->text.ends_with(" is gone"));
}

// A packet that is of two rules would have two chances.
TEST_F(LossTest, EachPacketHasOneChance) {
  const auto rules = [&](Json arguments) {
    return rules_for(packets_from(arguments.set("share", "20%")), Family::v4, true);
  };
  const std::string chance = " -m statistic --mode random --probability 0.200000 -j DROP";
  EXPECT_EQ(rules(Json::object({{"port", 53}, {"protocol", "udp"}})),
            (std::vector<std::string>{" -p udp --dport 53", " -p udp --dport 53" + chance,
                                      " -p udp --sport 53", " -p udp --sport 53" + chance}));
  EXPECT_EQ(rules(Json::object({{"port", 53}})).size(), 8U) << "of TCP and UDP";
  EXPECT_EQ(rules(Json::object({{"i_mean", "everything"}})),
            (std::vector<std::string>{"-i lo -j RETURN", "", chance}));
  EXPECT_EQ(rules(Json::object({{"i_mean", "everything"}, {"protocol", "tcp"}})),
            (std::vector<std::string>{"-i lo -j RETURN", " -p tcp", " -p tcp" + chance}));
  EXPECT_TRUE(rules(Json::object({{"port", 53}, {"direction", "out"}})).empty());
}

TEST_F(LossTest, AWholeMachineIsRefusedUnlessItIsMeant) {
  const auto fits = [](Json arguments) {
    Step step;
    step.arguments = arguments.set("share", "20%");
    return loss_fault.fits(step);
  };
  EXPECT_FALSE(fits(Json::object()));
  EXPECT_TRUE(fits(Json::object({{"i_mean", "everything"}})));
  EXPECT_TRUE(fits(Json::object({{"port", 53}})));
  EXPECT_TRUE(loss_fault.may(deed(Json::object({{"port", 53}})), world_.context()));
}

}  // namespace
}  // namespace gameday
