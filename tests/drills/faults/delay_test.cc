#include "tests/drills/link_fixture.h"

namespace gameday {

extern const FaultRow delay_fault;

namespace {

using namespace std::chrono_literals;

class DelayTest : public LinkFaultTest {
 protected:
  DelayTest() : LinkFaultTest(delay_fault) {}

  Undo prepare(const std::string& latency = "200ms", const std::string& direction = "both") {
    return prepared(Json::object({{"link", "one"},
                                  {"latency", latency},
                                  {"jitter", "10ms"},
                                  {"direction", direction}}))
        .value();
  }
  // From a question to its answer.
  Duration round_trip(const Peer& peer) {
    const Instant begun = world_.clock().now().boot;
    peer.send("x");
    EXPECT_EQ(peer.receive(1), "x");
    return world_.clock().now().boot - begun;
  }
};

TEST_F(DelayTest, WhatPassesArrivesLaterUntilItIsUndone) {
  const RunningLink link(world_, "one", "eu-west");
  const RunningLink other(world_, "two", "eu-west");
  const Peer peer = Peer::to(link.link().listen);
  const Peer beside = Peer::to(other.link().listen);
  const Undo undo = prepare();
  EXPECT_LT(round_trip(peer), 400ms) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(injected(undo));
  EXPECT_GE(round_trip(peer), 400ms);
  EXPECT_LT(round_trip(beside), 400ms);
  const Proof seen = proof(undo);
  EXPECT_TRUE(seen.held) << seen.text;
  const Json& facts = seen.facts.get("one");
  EXPECT_GE(facts.at_pointer("/now/joined_s")->number(), 0.2);
  EXPECT_GE(facts.at_pointer("/now/up/first_s")->number(), 0.2);
  EXPECT_GE(facts.at_pointer("/now/down/first_s")->number(), 0.2);
  EXPECT_LT(facts.at_pointer("/before/up/first_s")->number(), 0.2);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_LT(round_trip(peer), 400ms);
}

TEST_F(DelayTest, TheProofTellsUpstreamNothing) {
  RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare();
  ASSERT_TRUE(injected(undo));
  EXPECT_TRUE(proof(undo).held);
  const auto status = find_proxy(proxy_link(link.link()), world_.clock(), world_.context().until);
  EXPECT_EQ(status->integer("upstream_connects", -1), 0);
  EXPECT_EQ(status->integer("bytes_up", -1), 0);
}

TEST_F(DelayTest, OneDirectionIsJudgedByItself) {
  const RunningLink link(world_, "one", "eu-west");
  for (const char* direction : {"up", "down"}) {
    const Undo undo = prepare("200ms", direction);
    ASSERT_TRUE(injected(undo));
    const Proof seen = proof(undo);
    EXPECT_TRUE(seen.held) << seen.text;
    EXPECT_EQ(seen.text.find("passes " + std::string(direction)), 9u) << seen.text;
    ASSERT_TRUE(undone(undo));
  }
}

TEST_F(DelayTest, AToxicOfTheOtherDirectionIsNoProof) {
  const RunningLink link(world_, "one", "eu-west");
  Undo down = prepare("200ms", "down");
  ASSERT_TRUE(injected(down));
  Json toxic = down.arguments.get("toxic");
  down.arguments.set("toxic", toxic.set("direction", "up"));
  EXPECT_FALSE(proof(down).held) << proof(down).text;
}

TEST_F(DelayTest, ALatencyThatTheLinkHadAnywayIsNoProof) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo plain = prepare();
  hurt_by_another(plain);
  const Undo undo = prepare();
  heal_of_another(plain);
  ASSERT_TRUE(injected(undo));
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held) << seen.text;
}

TEST_F(DelayTest, WithoutTheToxicALatencyIsSomebodyElses) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare();
  hurt_by_another(undo);
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_EQ(seen.text, "link one has no delay in its way");
}

TEST_F(DelayTest, OnALinkThatJoinsNothingNothingIsProven) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare();
  ASSERT_TRUE(injected(undo));
  const LinkInForce cut = link_from(undo.arguments.items("links").front()).value();
  const Json block = Json::object({{"op", "add"}, {"kind", "block"}, {"mark", "b"}});
  ASSERT_TRUE(ask_link(cut, block, world_.context()));
  world_.set_until({{}, world_.clock().in(500ms)});
  EXPECT_EQ(proof(undo).text, "link one joins no connection, so that nothing can be measured");
}

TEST_F(DelayTest, AnUpstreamThatNobodyReachesAnywayProvesNothing) {
  RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare();
  link.echo().close();
  ASSERT_TRUE(injected(undo));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("cannot be reached anyway"), std::string::npos);
}

}  // namespace
}  // namespace gameday
