#include "drills/systems/link_toxic.h"
#include "tests/drills/link_fixture.h"

namespace gameday {

extern const FaultRow block_fault;

namespace {

using namespace std::chrono_literals;

class BlockTest : public LinkFaultTest {
 protected:
  BlockTest() : LinkFaultTest(block_fault) {}

  Result<Undo> prepare(const std::string& region = "eu-west", const std::string& mark = "drill-1") {
    return prepared(Json::object({{"region", region}}), mark);
  }
};

TEST_F(BlockTest, CutsEveryLinkOfTheRegionAndNothingElse) {
  const RunningLink one(world_, "one", "eu-west");
  const RunningLink two(world_, "two", "eu-west");
  const RunningLink other(world_, "other", "eu-north");
  const Undo undo = prepare().value();
  EXPECT_TRUE(one.passes()) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(injected(undo));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  EXPECT_FALSE(one.passes());
  EXPECT_FALSE(two.passes());
  EXPECT_TRUE(other.passes());
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(one.passes());
  EXPECT_TRUE(undone(undo));
}

TEST_F(BlockTest, WhatOnlySlowsIsNoBlock) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  Undo slow = undo;
  slow.kind = "delay";
  slow.arguments.set("toxic", Json::object({{"latency_s", 0.001}, {"jitter_s", 0}}));
  ASSERT_TRUE(add_toxic({}, slow, world_.context()));
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.contains("still passes traffic on")) << seen.text;
}

TEST_F(BlockTest, LastsWhileItIsRenewedAndPassesByItself) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  ASSERT_TRUE(injected(undo));
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(world_.clock().pause(500ms, world_.context().until));
    ASSERT_TRUE(block_fault.renew(undo, world_.context()));
  }
  EXPECT_TRUE(proof(undo).held);
  EXPECT_TRUE(eventually([&] { return gone(undo).held; }));
  EXPECT_TRUE(link.passes());
  EXPECT_EQ(block_fault.renew(undo, world_.context()).error().code, ErrorCode::not_found)
      << "what has ended is not begun again";
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BlockTest, TakesAwayOnlyItsOwnMark) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo mine = prepare("eu-west", "mine").value();
  const Undo theirs = prepare("eu-west", "theirs").value();
  ASSERT_TRUE(injected(mine));
  ASSERT_TRUE(injected(theirs));
  ASSERT_TRUE(undone(mine));
  EXPECT_TRUE(gone(mine).held);
  EXPECT_FALSE(gone(theirs).held);
  EXPECT_FALSE(link.passes());
}

TEST_F(BlockTest, WithoutALinkOfTheRegionNothingIsStarted) {
  const RunningLink link(world_, "one", "eu-west");
  EXPECT_EQ(prepare("eu-south").error().code, ErrorCode::not_found);
}

TEST_F(BlockTest, EveryProxyMustAnswerBeforehand) {
  RunningLink link(world_, "one", "eu-west");
  const RunningLink other(world_, "two", "eu-west");
  link.end();
  EXPECT_EQ(prepare().error().code, ErrorCode::not_found);
}

TEST_F(BlockTest, AnUpstreamThatNobodyReachesAnywayProvesNothing) {
  RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  link.echo().close();
  ASSERT_TRUE(injected(undo));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("cannot be reached anyway"), std::string::npos);
}

TEST_F(BlockTest, AProxyThatIsGoneHasTakenTheBlockWithIt) {
  RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  ASSERT_TRUE(injected(undo));
  link.end();
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(gone(undo).text, "link one has no proxy any more, nor a block");
}

TEST_F(BlockTest, UndoWithoutInjectHarmsNothing) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = undo_from(Json::parse(to_json(prepare().value()).dump()).value()).value();
  world_.system().links.clear();
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(link.passes());
}

}  // namespace
}  // namespace gameday
