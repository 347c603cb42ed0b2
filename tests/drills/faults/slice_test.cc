#include "tests/drills/link_fixture.h"

namespace gameday {

extern const FaultRow slice_fault;

namespace {

using namespace std::chrono_literals;

class SliceTest : public LinkFaultTest {
 protected:
  SliceTest() : LinkFaultTest(slice_fault) {}

  Undo prepare(const std::string& direction = "both") {
    return prepared(
               Json::object(
                   {{"link", "one"}, {"size", "10B"}, {"pause", "40ms"}, {"direction", direction}}))
        .value();
  }
  std::string first_read(const Peer& peer) {
    peer.send("0123456789abcdefghij");
    const std::string first = peer.receive_once();
    EXPECT_EQ(first + peer.receive(20 - first.size()), "0123456789abcdefghij");
    return first;
  }
};

TEST_F(SliceTest, ReadersSeePiecesUntilItIsUndone) {
  const RunningLink link(world_, "one", "eu-west");
  const Peer peer = Peer::to(link.link().listen);
  const Undo undo = prepare();
  EXPECT_EQ(first_read(peer).size(), 20u) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(injected(undo));
  EXPECT_EQ(first_read(peer), "0123456789");
  const Proof seen = proof(undo);
  EXPECT_TRUE(seen.held) << seen.text;
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(first_read(peer).size(), 20u);
}

TEST_F(SliceTest, OneDirectionIsJudgedByItself) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo down = prepare("down");
  ASSERT_TRUE(injected(down));
  EXPECT_TRUE(proof(down).held) << proof(down).text;
  Undo up = down;
  Json toxic = down.arguments.get("toxic");
  up.arguments.set("toxic", toxic.set("direction", "up"));
  EXPECT_FALSE(proof(up).held) << proof(up).text;
}

TEST_F(SliceTest, PiecesThatTheLinkMadeAnywayAreNoProof) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo plain = prepare();
  hurt_by_another(plain);
  const Undo undo = prepare();
  ASSERT_TRUE(injected(undo));
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held) << seen.text;
}

TEST_F(SliceTest, WithoutTheToxicPiecesAreSomebodyElses) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare();
  hurt_by_another(undo);
  EXPECT_EQ(proof(undo).text, "link one has no slice in its way");
}

}  // namespace
}  // namespace gameday
