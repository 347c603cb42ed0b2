#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow purge_rabbitmq_queue_fault;

namespace {

class PurgeQueueOnRabbit : public RabbitFixture {
 protected:
  PurgeQueueOnRabbit() : RabbitFixture(purge_rabbitmq_queue_fault) {
    deed_.arguments.set("within", "50ms");
  }
  // What a consumer leaves of the queue: nothing.
  void consume_all() {
    vhost_.drop("orders");
    vhost_.make("orders");
  }
};

TEST_F(PurgeQueueOnRabbit, TakesOutWhatWaitsAndPutsItBack) {
  const Undo undo = prepared();
  EXPECT_EQ(vhost_.bodies(), "a b c") << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.bodies(), "");
  EXPECT_TRUE(vhost_.exists()) << "the queue stays";
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).facts.integer("purged", 0), 3);
  EXPECT_FALSE(gone(undo).held);
  vhost_.publish("d");
  EXPECT_TRUE(proof(undo).held) << "what came since is another message";
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies(), "d a b c");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(PurgeQueueOnRabbit, UndoingTwiceDeliversNothingAgain) {
  const Undo undo = injected();
  undo_it(undo);
  consume_all();
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "");
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(PurgeQueueOnRabbit, WhatIsOutForDeliveryStaysOut) {
  Amqp consumer = holder();
  const Undo undo = injected();
  EXPECT_EQ(vhost_.look().text("name"), "orders");
  consumer = connected();  // the first one ends, and what it held goes back
  EXPECT_EQ(vhost_.bodies(), "a");
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "a b c");
}

TEST_F(PurgeQueueOnRabbit, AQuorumQueueIsPurgedLikewise) {
  vhost_.drop("orders");
  vhost_.make("orders", Json::object({{"x-queue-type", "quorum"}}));
  for (const char* body : {"a", "b"}) vhost_.publish(body);
  const Undo undo = injected();
  EXPECT_EQ(vhost_.bodies(), "");
  EXPECT_TRUE(proof(undo).held);
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "a b");
}

TEST_F(PurgeQueueOnRabbit, AnEmptyQueueWasNotPurged) {
  consume_all();
  const Undo undo = injected();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("empty"), std::string::npos);
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(PurgeQueueOnRabbit, AQueueThatWasDroppedSinceIsNotOneWithItsMessagesBack) {
  const Undo undo = injected();
  vhost_.drop("orders");
  EXPECT_FALSE(row_.undo(undo, world_.context()));
  EXPECT_FALSE(gone(undo).held);
  vhost_.make("orders");
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "a b c");
}

TEST_F(PurgeQueueOnRabbit, AServerThatWasKilledMeanwhileGetsItsMessagesBack) {
  const Undo undo = injected();
  vhost_.node().kill();
  EXPECT_FALSE(row_.undo(undo, world_.context()));
  EXPECT_FALSE(row_.gone(undo, world_.context()));
  vhost_.node().start();
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(vhost_.bodies(), "a b c");
}

TEST_F(PurgeQueueOnRabbit, DyingAtAnyChangeLosesNoMessageAndDoublesNone) {
  vhost_.publish("c");  // one like another
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = dies_at(points, [&](const DeedContext& context) {
      static_cast<void>(row_.inject(deed_, undo, context));
    });
    for (int time = 0; time < 2; ++time) {
      undo_it(undo);
      ASSERT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
      ASSERT_EQ(vhost_.bodies(), "a b c c") << "point " << points;
    }
    // Somebody consumes them.
    vhost_.drop("orders");
    vhost_.make("orders");
    undo_it(undo);
    ASSERT_EQ(vhost_.bodies(), "") << "point " << points << ": put back again";
    for (const char* body : {"a", "b", "c", "c"}) vhost_.publish(body);
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
    ASSERT_EQ(private_files(), "") << "point " << points;
  }
  EXPECT_GE(points, 8);
}

TEST_F(PurgeQueueOnRabbit, MissingNotesAreNoSuccess) {
  const Undo undo = injected();
  std::filesystem::remove(undo.arguments.text("saved"));
  EXPECT_EQ(row_.undo(undo, world_.context()).error().code, ErrorCode::not_found);
  EXPECT_FALSE(row_.gone(undo, world_.context()));
}

TEST_F(PurgeQueueOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"orders", "gameday\\..*", "amq\\.default"},
               {"orders", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
