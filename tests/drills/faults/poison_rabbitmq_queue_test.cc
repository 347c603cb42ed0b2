#include <optional>
#include <thread>

#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow poison_rabbitmq_queue_fault;

namespace {

class PoisonOnRabbit : public RabbitFixture {
 protected:
  PoisonOnRabbit() : RabbitFixture(poison_rabbitmq_queue_fault) {
    vhost_.drop("orders");
    vhost_.make("dead");
    vhost_.make("orders", Json::parse(R"({"x-dead-letter-exchange": "",
                                          "x-dead-letter-routing-key": "dead"})")
                              .value());
    deed_.arguments = Json::object({{"count", 3}, {"body", "poison"}});
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^amq\\.default$", "^(orders|dead)$");
  }
  // A consumer that gives up what it cannot work on: how many of them it was given.
  int give_up_poison() {
    Amqp connection = connected();
    auto channel = connection.channel().value();
    int count = 0;
    std::uint64_t last = 0;
    while (const auto got = channel.get("orders").value()) {
      if (got->message.body != "poison") {
        last = got->tag;
        continue;
      }
      EXPECT_TRUE(channel.give_up(got->tag));
      ++count;
    }
    EXPECT_TRUE(channel.give_back(last, true));
    return count;
  }
};

TEST_F(PoisonOnRabbit, WaitsInTheQueueUntilItIsTakenOut) {
  const Undo undo = prepared();
  EXPECT_EQ(vhost_.bodies(), "a b c") << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.bodies(), "a b c poison poison poison");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_EQ(proof(undo).facts.integer("waiting", 0), 3);
  EXPECT_FALSE(gone(undo).held);
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "a b c");
  }
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(PoisonOnRabbit, WhatConsumersHaveGivenUpIsTakenOutOfTheDeadLetters) {
  const Undo undo = injected();
  EXPECT_EQ(give_up_poison(), 3);
  EXPECT_EQ(vhost_.bodies("dead"), "poison poison poison");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_EQ(proof(undo).facts.integer("dead", 0), 3);
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies("dead"), "");
  EXPECT_EQ(vhost_.bodies(), "a b c");
}

TEST_F(PoisonOnRabbit, WhatConsumersTakeAsIfItWereGoodIsNoPoison) {
  const Undo undo = injected();
  vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
  EXPECT_FALSE(proof(undo).held) << proof(undo).text;
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(PoisonOnRabbit, OneThatIsOutComesBackAndIsFound) {
  const Undo undo = injected();
  std::optional<Amqp> consumer = connected();
  auto channel = consumer->channel().value();
  while (channel.get("orders").value()) {
  }
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  std::jthread slow([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(300))});
    EXPECT_TRUE(channel.give_back(6, true));
  });
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  slow.join();
  EXPECT_EQ(vhost_.bodies(), "a b c");
}

TEST_F(PoisonOnRabbit, AnotherDeedsPoisonStays) {
  const Undo undo = prepared();
  auto other = row_.prepare(deed_, world_.context("drill-2"));
  ASSERT_TRUE(other);
  ASSERT_TRUE(row_.inject(deed_, *other, world_.context("drill-2")));
  inject(undo);
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "a b c poison poison poison");
  undo_it(*other);
  EXPECT_EQ(vhost_.bodies(), "a b c");
}

TEST_F(PoisonOnRabbit, AQuorumQueueIsRefused) {
  vhost_.drop("orders");
  vhost_.make("orders", Json::object({{"x-queue-type", "quorum"}}));
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::unsupported) << undo.error().text;
}

TEST_F(PoisonOnRabbit, DyingAtAnyChangeLeavesNone) {
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
  }
  EXPECT_GE(points, 8);
}

TEST_F(PoisonOnRabbit, DyingAtAnyChangeOfItsUndoItIsUndoneTheNextTime) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = injected();
    died = dies_at(
        points, [&](const DeedContext& context) { static_cast<void>(row_.undo(undo, context)); });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points;
    EXPECT_EQ(vhost_.bodies(), "a b c") << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
  }
  EXPECT_GE(points, 8);
}

TEST_F(PoisonOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"amq\\.default"}, {"orders", "dead"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
