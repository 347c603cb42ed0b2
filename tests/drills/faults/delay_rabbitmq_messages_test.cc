#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow delay_rabbitmq_messages_fault;

namespace {

class DelayOnRabbit : public RabbitFixture {
 protected:
  DelayOnRabbit() : RabbitFixture(delay_rabbitmq_messages_fault) {
    vhost_.make("dead");
    deed_.arguments = Json::object({{"count", 2}, {"by", "10m"}, {"within", "1s"}});
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^(orders|gameday\\..*|amq\\.default)$",
                 "^(orders|dead|gameday\\..*)$");
  }
  std::string queues() {
    std::string all;
    const Json listed = vhost_.ask("GET", "/queues/" + vhost_.path());
    for (const Json& queue : listed.items()) all += queue.text("name") + " ";
    return all;
  }
};

TEST_F(DelayOnRabbit, MessagesAreHeldBackUntilTheEnd) {
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.bodies(), "c");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_EQ(proof(undo).facts.integer("held", 0), 2);
  EXPECT_FALSE(gone(undo).held);
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "c a b");
  }
  EXPECT_EQ(queues(), "dead orders ");
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(DelayOnRabbit, TheServerItselfDeliversThemWhenTheirTimeHasCome) {
  deed_.arguments.set("by", "200ms");
  const Undo undo = injected();
  vhost_.node().wait_until([&] { return vhost_.bodies() == "c a b"; });
  EXPECT_EQ(vhost_.bodies(), "c a b");
  EXPECT_TRUE(proof(undo).held) << "they were held back: " << proof(undo).text;
  // One of them is worked on before the end.
  auto connection = connected();
  auto channel = connection.channel().value();
  ASSERT_TRUE(channel.get("orders").value());
  const auto got = channel.get("orders").value();
  EXPECT_EQ(got->message.body, "a");
  ASSERT_TRUE(channel.acknowledge(got->tag, false));
  ASSERT_TRUE(channel.give_back(1, false));
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies(), "c b") << "what was delivered is not delivered again";
}

TEST_F(DelayOnRabbit, DyingAtAnyChangeLosesNone) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = dies_at(points, [&](const DeedContext& context) {
      static_cast<void>(row_.inject(deed_, undo, context));
    });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    const std::string there = vhost_.bodies();
    EXPECT_TRUE(there == "a b c" || there == "c a b") << "point " << points << ": " << there;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
    vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
    SetUp();
  }
  EXPECT_GE(points, 12);
}

// What was being put back at a death may be there twice, and is never lost.
TEST_F(DelayOnRabbit, DyingAtAnyChangeOfItsUndoLosesNone) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = injected();
    died = dies_at(
        points, [&](const DeedContext& context) { static_cast<void>(row_.undo(undo, context)); });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    const std::string there = vhost_.bodies();
    EXPECT_TRUE(there == "c a b" || there == "c a b a b") << "point " << points << ": " << there;
    EXPECT_EQ(queues(), "dead orders ") << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
    vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
    SetUp();
  }
  EXPECT_GE(points, 10);
}

TEST_F(DelayOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"orders", "gameday\\..*", "amq\\.default"},
               {"orders", "dead", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
