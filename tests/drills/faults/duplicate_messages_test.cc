#include "tests/drills/disturb_fixture.h"

namespace gameday {

extern const FaultRow duplicate_messages_fault;

namespace {

class DuplicateMessagesTest : public DisturbFixture {
 protected:
  DuplicateMessagesTest()
      : DisturbFixture(duplicate_messages_fault, Json::object({{"count", 3}, {"share", "100%"}})) {}
};

TEST_F(DuplicateMessagesTest, PutsInWhatWaitsAndWhatComesOnceMoreUpToItsCount) {
  queue_.publish({"d-1", "d-2"});
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-1", "d-2"}));
  queue_.publish({"d-3", "d-4"});
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-1", "d-2", "d-3", "d-4", "d-3"}));
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).facts.integer("hit", 0), 3);
  EXPECT_EQ(proof(undo).facts.integer("delivered", -1), 0);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_NE(gone(undo).text.find("before anybody had got them"), std::string::npos);
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3", "d-4"}));
  queue_.publish({"d-5"});
  EXPECT_EQ(queue_.keys().size(), 5u) << "and no more from now on";
}

TEST_F(DuplicateMessagesTest, SaysHowManyCopiesNothingTakesBack) {
  queue_.publish({"d-1", "d-2"});
  const Undo undo = prepared();
  inject(undo);
  EXPECT_EQ(queue_.consume_all(), (Keys{"d-1", "d-2", "d-1", "d-2"}));
  EXPECT_EQ(queue_.ask("GET", "")->integer("retained", 0), 2) << "copies are not replayed";
  queue_.publish({"d-3"});
  ASSERT_TRUE(undone(undo));
  const Proof proof = gone(undo);
  EXPECT_TRUE(proof.held);
  EXPECT_EQ(proof.facts.integer("hit", 0), 3);
  EXPECT_EQ(proof.facts.integer("delivered", 0), 2);
  EXPECT_NE(proof.text.find("nothing takes back"), std::string::npos) << proof.text;
  EXPECT_EQ(queue_.keys(), Keys{"d-3"});
}

// Its confirmation comes after the undo.
TEST_F(DuplicateMessagesTest, ACopyThatIsOutIsNotDeliveredAgain) {
  queue_.publish({"d-1"});
  const Undo undo = prepared();
  inject(undo);
  const auto leased = queue_.ask("POST", "/lease", Json::object({{"max", 10}}));
  ASSERT_EQ(leased->items("messages").size(), 2u);
  ASSERT_TRUE(undone(undo));
  Json leases = Json::array();
  for (const Json& message : leased->items("messages")) leases.push(message.get("lease"));
  EXPECT_EQ(queue_.ask("POST", "/ack", Json::object({{"leases", leases}}))->integer("acked", 0), 1);
  EXPECT_EQ(queue_.keys(), Keys{});
  EXPECT_EQ(gone(undo).facts.integer("delivered", 0), 1);
}

TEST_F(DuplicateMessagesTest, AShareIsSpreadEvenly) {
  deed_.arguments.set("share", "50%").set("count", 100);
  queue_.publish({"d-1", "d-2", "d-3", "d-4"});
  const Undo undo = prepared();
  inject(undo);
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3", "d-4", "d-2", "d-4"}));
  EXPECT_EQ(proof(undo).facts.integer("seen", 0), 4);
  ASSERT_TRUE(undone(undo));
}

TEST_F(DuplicateMessagesTest, SaysNo) { expect_says_no(row_, deed_, world_, queue_); }

}  // namespace
}  // namespace gameday
