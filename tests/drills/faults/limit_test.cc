#include "tests/drills/link_fixture.h"

namespace gameday {

extern const FaultRow limit_fault;

namespace {

using namespace std::chrono_literals;

class LimitTest : public LinkFaultTest {
 protected:
  LimitTest() : LinkFaultTest(limit_fault) {}

  Undo prepare(const std::string& rate, const std::string& direction = "both") {
    return prepared(Json::object(
                        {{"link", "one"}, {"bytes_per_second", rate}, {"direction", direction}}))
        .value();
  }
  Duration echoed(const Peer& peer, std::size_t bytes) {
    const Instant begun = world_.clock().now().boot;
    peer.send(std::string(bytes, 'x'));
    EXPECT_EQ(peer.receive(bytes).size(), bytes);
    return world_.clock().now().boot - begun;
  }
};

TEST_F(LimitTest, NoMoreThanTheRatePassesUntilItIsUndone) {
  const RunningLink link(world_, "one", "eu-west");
  const Peer peer = Peer::to(link.link().listen);
  const Undo undo = prepare("20kB");
  EXPECT_LT(echoed(peer, 20000), 800ms) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(injected(undo));
  EXPECT_GE(echoed(peer, 20000), 900ms);
  const Proof seen = proof(undo);
  EXPECT_TRUE(seen.held) << seen.text;
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_LT(echoed(peer, 20000), 800ms);
}

TEST_F(LimitTest, OneDirectionIsJudgedByItself) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo up = prepare("20kB", "up");
  ASSERT_TRUE(injected(up));
  EXPECT_TRUE(proof(up).held) << proof(up).text;
  Undo down = up;
  Json toxic = up.arguments.get("toxic");
  down.arguments.set("toxic", toxic.set("direction", "down"));
  EXPECT_FALSE(proof(down).held) << proof(down).text;
}

TEST_F(LimitTest, ARateThatTheLinkNeverReachesIsNoProof) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo slow = prepare("10kB");
  hurt_by_another(slow);
  const Undo undo = prepare("20kB");
  ASSERT_TRUE(injected(undo));
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held) << seen.text;
}

TEST_F(LimitTest, WithoutTheToxicASlowLinkIsSomebodyElses) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare("10kB");
  hurt_by_another(undo);
  EXPECT_EQ(proof(undo).text, "link one has no limit in its way");
}

}  // namespace
}  // namespace gameday
