#include "tests/drills/link_fixture.h"

namespace gameday {

extern const FaultRow reset_fault;

namespace {

using namespace std::chrono_literals;

class ResetTest : public LinkFaultTest {
 protected:
  ResetTest() : LinkFaultTest(reset_fault) {}

  Undo prepare(const std::string& after = "0s") {
    return prepared(Json::object({{"region", "eu-west"}, {"after", after}})).value();
  }
};

TEST_F(ResetTest, ConnectionsOfTheRegionAreResetUntilItIsUndone) {
  const RunningLink one(world_, "one", "eu-west");
  const RunningLink two(world_, "two", "eu-west");
  const RunningLink other(world_, "other", "eu-north");
  const Undo undo = prepare();
  const Peer peer = Peer::to(one.link().listen);
  peer.send("x");
  EXPECT_EQ(peer.receive(1), "x") << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(injected(undo));
  EXPECT_TRUE(peer.is_reset());
  EXPECT_TRUE(Peer::to(two.link().listen).is_reset());
  EXPECT_TRUE(other.passes());
  const Proof seen = proof(undo);
  EXPECT_TRUE(seen.held) << seen.text;
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(one.passes());
  EXPECT_TRUE(two.passes());
}

TEST_F(ResetTest, TheProofWaitsForAConnectionToHaveLived) {
  const RunningLink one(world_, "one", "eu-west");
  const Undo undo = prepare("500ms");
  ASSERT_TRUE(injected(undo));
  const Proof seen = proof(undo);
  EXPECT_TRUE(seen.held) << seen.text;
  EXPECT_GE(seen.facts.get("one").number("lived_s", 0), 0.5);
}

TEST_F(ResetTest, AResetThatCameTooEarlyIsNoProof) {
  const RunningLink one(world_, "one", "eu-west");
  const Undo undo = prepare("500ms");
  const Undo now = prepare();
  ASSERT_TRUE(injected(undo));
  hurt_by_another(now);
  EXPECT_FALSE(proof(undo).held) << proof(undo).text;
}

TEST_F(ResetTest, ALinkThatHasResetBeforeProvesNothing) {
  const RunningLink one(world_, "one", "eu-west");
  hurt_by_another(prepare());
  const Undo undo = prepare();
  ASSERT_TRUE(injected(undo));
  EXPECT_EQ(proof(undo).text, "link one has reset connections before");
}

TEST_F(ResetTest, AnUpstreamThatResetsAnywayProvesNothing) {
  RunningLink one(world_, "one", "eu-west");
  const Undo undo = prepare();
  ASSERT_TRUE(injected(undo));
  one.echo().set_mode(Echo::Mode::reset_soon);
  EXPECT_FALSE(proof(undo).held);
  EXPECT_EQ(proof(undo).text, "link one leads to what resets connections anyway");
}

TEST_F(ResetTest, AnUpstreamThatNobodyReachesAnywayProvesNothing) {
  RunningLink one(world_, "one", "eu-west");
  const Undo undo = prepare();
  one.echo().close();
  ASSERT_TRUE(injected(undo));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("cannot be reached anyway"), std::string::npos);
}

TEST_F(ResetTest, WithoutTheToxicAResetIsSomebodyElses) {
  const RunningLink one(world_, "one", "eu-west");
  const Undo undo = prepare();
  hurt_by_another(undo);
  EXPECT_EQ(proof(undo).text, "link one has no reset in its way");
}

}  // namespace
}  // namespace gameday
