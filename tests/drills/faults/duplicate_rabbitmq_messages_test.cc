#include <future>
#include <thread>

#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow duplicate_rabbitmq_messages_fault;

namespace {

class DuplicateOnRabbit : public RabbitFixture {
 protected:
  DuplicateOnRabbit() : RabbitFixture(duplicate_rabbitmq_messages_fault) {
    vhost_.make("dead");
    deed_.arguments = Json::object({{"count", 2}, {"within", "10s"}});
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^amq\\.default$", "^(orders|dead)$");
  }
};

TEST_F(DuplicateOnRabbit, MessagesWaitTwiceUntilTheCopiesAreTakenBack) {
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.bodies(), "a b c a b") << "the first two, once more";
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "a b c");
  }
  EXPECT_NE(gone(undo).text.find("before anybody"), std::string::npos) << gone(undo).text;
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(DuplicateOnRabbit, ACopyIsTheSameMessageAndGoesToNoOtherQueue) {
  vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
  vhost_.make("copies");
  vhost_.publish("d", Json::parse(R"({"message_id": "m1", "user_id": "guest",
                                      "headers": {"n": 5, "CC": ["copies"]}})")
                          .value());
  const Undo undo = injected();
  const auto all = vhost_.messages();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].get("properties").text("message_id"), "m1");
  EXPECT_EQ(all[1].get("properties").get("headers").integer("n", 0), 5);
  EXPECT_EQ(vhost_.bodies("copies"), "d");
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "d");
}

TEST_F(DuplicateOnRabbit, CopiesThatWereDeliveredAreTold) {
  const Undo undo = injected();
  auto connection = connected();
  auto channel = connection.channel().value();
  std::uint64_t last = 0;
  for (int i = 0; i < 4; ++i) last = channel.get("orders").value()->tag;
  ASSERT_TRUE(channel.acknowledge(last, true));
  EXPECT_EQ(proof(undo).facts.integer("delivered", 0), 1) << proof(undo).text;
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_NE(gone(undo).text.find("1 had been delivered"), std::string::npos) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies(), "");
}

TEST_F(DuplicateOnRabbit, AQueueThatIsEmptyIsWaitedFor) {
  vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
  const Undo undo = prepared();
  std::jthread later([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(300))});
    vhost_.publish("late");
  });
  inject(undo);
  later.join();
  EXPECT_TRUE(proof(undo).held);
  undo_it(undo);
  vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
  deed_.arguments.set("within", "50ms");
  const Undo nothing = injected();
  EXPECT_FALSE(proof(nothing).held) << proof(nothing).text;
  undo_it(nothing);
  EXPECT_TRUE(gone(nothing).held);
}

TEST_F(DuplicateOnRabbit, DyingAtAnyChangeLeavesEachMessageOnce) {
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

TEST_F(DuplicateOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"amq\\.default"}, {"orders", "dead"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
