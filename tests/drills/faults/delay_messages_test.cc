#include "tests/drills/disturb_fixture.h"

namespace gameday {

extern const FaultRow delay_messages_fault;

namespace {

class DelayMessagesTest : public DisturbFixture {
 protected:
  DelayMessagesTest()
      : DisturbFixture(delay_messages_fault,
                       Json::object({{"count", 2}, {"by", "1h"}, {"share", "100%"}})) {}
};

TEST_F(DelayMessagesTest, HoldsBackUpToItsCountAndDeliversThatAtTheEnd) {
  queue_.publish({"d-1"});
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  queue_.publish({"d-2", "d-3"});
  EXPECT_EQ(queue_.consume_all(), Keys{"d-3"});
  EXPECT_EQ(queue_.ask("GET", "")->integer("messages", 0), 2) << "verify waits for these too";
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).facts.integer("held", 0), 2);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(queue_.consume_all(), (Keys{"d-1", "d-2"}));
}

TEST_F(DelayMessagesTest, DeliversThemWhenTheirTimeHasCome) {
  deed_.arguments.set("by", "80ms");
  queue_.publish({"d-1"});
  const Undo undo = prepared();
  const Instant begun = world_.clock().now().boot;
  inject(undo);
  EXPECT_EQ(queue_.consume_all(), Keys{});
  // As a consumer that waits: it is told without anything else having come.
  const auto leased = queue_.ask("POST", "/lease", Json::object({{"max", 9}, {"wait_ms", 3000}}));
  ASSERT_TRUE(leased);
  EXPECT_EQ(leased->items("messages").size(), 1u);
  const Duration took = world_.clock().now().boot - begun;
  EXPECT_GE(took, std::chrono::milliseconds(80));
  EXPECT_LT(took, std::chrono::milliseconds(400));
  EXPECT_TRUE(proof(undo).held) << "it has been held back, though it is no more";
  EXPECT_EQ(proof(undo).facts.integer("held", -1), 0);
  EXPECT_FALSE(gone(undo).held) << "the next one would be";
  ASSERT_TRUE(undone(undo));
}

TEST_F(DelayMessagesTest, SaysNo) { expect_says_no(row_, deed_, world_, queue_); }

}  // namespace
}  // namespace gameday
