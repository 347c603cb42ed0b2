#include "tests/drills/disturb_fixture.h"

namespace gameday {

extern const FaultRow reorder_messages_fault;

namespace {

class ReorderMessagesTest : public DisturbFixture {
 protected:
  ReorderMessagesTest()
      : DisturbFixture(reorder_messages_fault,
                       Json::object({{"count", 100}, {"window", 3}, {"hold", "60s"}})) {}
};

TEST_F(ReorderMessagesTest, DeliversFullGroupsInReverseAndTheRestAsItCame) {
  queue_.publish({"d-1", "d-2"});
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(queue_.consume_all(), Keys{}) << "the group is not full";
  queue_.publish({"d-3", "d-4", "d-5"});
  EXPECT_EQ(queue_.consume_all(), (Keys{"d-3", "d-2", "d-1"}));
  EXPECT_TRUE(proof(undo).held);
  EXPECT_GE(proof(undo).facts.integer("delivered", 0), 2);
  EXPECT_EQ(proof(undo).facts.integer("held", 0), 2);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(queue_.consume_all(), (Keys{"d-4", "d-5"}));
}

TEST_F(ReorderMessagesTest, AGroupThatDoesNotFillIsDeliveredAfterAWhile) {
  deed_.arguments.set("hold", "100ms");
  queue_.publish({"d-1", "d-2"});
  const Undo undo = prepared();
  inject(undo);
  EXPECT_TRUE(proof(undo).held);
  EXPECT_TRUE(eventually([&] {
    const Keys got = queue_.consume_all();
    if (got.empty()) return false;
    EXPECT_EQ(got, (Keys{"d-2", "d-1"}));
    return true;
  }));
  ASSERT_TRUE(undone(undo));
}

TEST_F(ReorderMessagesTest, OneAloneIsNotReordered) {
  queue_.publish({"d-1"});
  const Undo undo = prepared();
  inject(undo);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.consume_all(), Keys{"d-1"});
}

TEST_F(ReorderMessagesTest, BeyondItsCountNothingIsHeld) {
  deed_.arguments.set("count", 3);
  queue_.publish({"d-1", "d-2", "d-3", "d-4", "d-5"});
  const Undo undo = prepared();
  inject(undo);
  EXPECT_EQ(queue_.consume_all(), (Keys{"d-3", "d-2", "d-1", "d-4", "d-5"}));
  ASSERT_TRUE(undone(undo));
}

TEST_F(ReorderMessagesTest, SaysNo) { expect_says_no(row_, deed_, world_, queue_); }

}  // namespace
}  // namespace gameday
