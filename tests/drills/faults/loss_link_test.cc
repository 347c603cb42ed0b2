#include "engine/playbook/load_playbook.h"
#include "tests/drills/link_fixture.h"
#include "tests/drills/renewing.h"

namespace gameday {

extern const FaultRow loss_fault;
extern const FaultRow loss_link_fault;

namespace {

using namespace std::chrono_literals;

class LossLinkTest : public LinkFaultTest {
 protected:
  LossLinkTest() : LinkFaultTest(loss_link_fault) {}

  Undo prepare(const std::string& share = "30%", const std::string& direction = "both") {
    return prepared(Json::object({{"link", "one"}, {"share", share}, {"direction", direction}}))
        .value();
  }
  // How many of 40 answers came as late as what is lost on its way does.
  int late(const Link& link) {
    const Peer peer = Peer::to(link.listen);
    int late = 0;
    for (int i = 0; i < 40; ++i) {
      const Instant begun = world_.clock().now().boot;
      peer.send("x");
      EXPECT_EQ(peer.receive(1), "x");
      if (world_.clock().now().boot - begun >= 200ms) ++late;
    }
    return late;
  }
};

TEST_F(LossLinkTest, SomeOfWhatPassesComesLateUntilItIsUndone) {
  const RunningLink link(world_, "one", "eu-west");
  const RunningLink other(world_, "two", "eu-west");
  const Undo undo = prepare();
  EXPECT_EQ(late(link.link()), 0) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(injected(undo));
  {
    const Renewing renewing(loss_link_fault, undo, world_.context());
    // Of a question and its answer the one or the other is lost in half of all cases.
    const int some = late(link.link());
    EXPECT_GT(some, 5);
    EXPECT_LT(some, 36);
    EXPECT_EQ(late(other.link()), 0);
    const Proof seen = proof(undo);
    EXPECT_TRUE(seen.held) << seen.text;
    EXPECT_TRUE(seen.text.contains("bytes late, before 0 of ")) << seen.text;
    EXPECT_FALSE(gone(undo).held);
  }
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(late(link.link()), 0);
}

TEST_F(LossLinkTest, OneDirectionIsJudgedByItself) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo down = prepare("30%", "down");
  ASSERT_TRUE(injected(down));
  EXPECT_TRUE(proof(down).held) << proof(down).text;
  Undo up = down;
  Json toxic = down.arguments.get("toxic");
  up.arguments.set("toxic", toxic.set("direction", "up"));
  EXPECT_FALSE(proof(up).held) << proof(up).text;
}

TEST_F(LossLinkTest, ALinkThatLosesAnywayIsNoProof) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo plain = prepare();
  hurt_by_another(plain);
  const Undo undo = prepare();
  ASSERT_TRUE(injected(undo));
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held) << seen.text;
}

TEST_F(LossLinkTest, WithoutTheToxicTheLossIsSomebodyElses) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare();
  hurt_by_another(undo);
  EXPECT_EQ(proof(undo).text, "link one has no loss-link in its way");
}

// A link is hit by the name that the fault has everywhere.
TEST_F(LossLinkTest, IsNamedAsTheSameOnAMachine) {
  constexpr std::string_view kPlaybook = R"(gameday: 1
name: loss
summary: One link.
owner: somebody
system:
  links: { one: { listen: "127.0.0.1:2", to: "127.0.0.1:3", region: eu } }
timeline:
  - { fault: loss, link: one, share: 20%, for: 1s }
  - { fault: loss, region: eu, share: 20%, for: 1s }
)";
  const std::array faults{&loss_fault, &loss_link_fault};
  const auto loaded =
      decode_playbook(world_.file("p.yaml"), std::string(kPlaybook), {}, {{}, faults, {}, {}, {}});
  ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
  EXPECT_EQ(loaded.playbook->timeline[0].fault, "loss-link");
  EXPECT_EQ(loaded.playbook->timeline[1].fault, "loss-link");
}

}  // namespace
}  // namespace gameday
