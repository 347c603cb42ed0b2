#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow reorder_rabbitmq_messages_fault;

namespace {

class ReorderOnRabbit : public RabbitFixture {
 protected:
  ReorderOnRabbit() : RabbitFixture(reorder_rabbitmq_messages_fault) {
    vhost_.make("dead");
    deed_.arguments = Json::object({{"count", 10}, {"window", 2}, {"within", "50ms"}});
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^(orders|gameday\\..*|amq\\.default)$",
                 "^(orders|dead|gameday\\..*)$");
  }
};

TEST_F(ReorderOnRabbit, GroupsWaitInReverseUntilTheEnd) {
  vhost_.publish("d");
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.bodies(), "b a d c");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  vhost_.publish("since");
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "since a b c d");
  }
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(ReorderOnRabbit, WhatWasDeliveredIsNotDeliveredAgain) {
  const Undo undo = injected();
  auto connection = connected();
  auto channel = connection.channel().value();
  const auto got = channel.get("orders").value();
  EXPECT_EQ(got->message.body, "b");
  ASSERT_TRUE(channel.acknowledge(got->tag, false));
  EXPECT_NE(proof(undo).text.find("1 of them were delivered"), std::string::npos)
      << proof(undo).text;
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies(), "a c");
}

TEST_F(ReorderOnRabbit, OneMessageAloneHasNoOrder) {
  vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
  vhost_.publish("alone");
  const Undo undo = injected();
  EXPECT_FALSE(proof(undo).held) << proof(undo).text;
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "alone");
}

TEST_F(ReorderOnRabbit, DyingAtAnyChangeLosesNone) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = dies_at(points, [&](const DeedContext& context) {
      static_cast<void>(row_.inject(deed_, undo, context));
    });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "a b c") << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
  }
  EXPECT_GE(points, 10);
}

TEST_F(ReorderOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"orders", "gameday\\..*", "amq\\.default"},
               {"orders", "dead", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
