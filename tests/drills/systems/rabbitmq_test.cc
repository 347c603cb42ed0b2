#include "drills/systems/rabbitmq.h"

#include "tests/drills/deed_world.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {

extern const FacetRow rabbitmq_facet;
extern const QueueRow rabbitmq_queue;

namespace {

using namespace std::chrono_literals;

class RabbitTargetOnRabbit : public testing::Test {
 protected:
  Target target(const Json& changed = Json::object()) {
    Json facet = vhost_.facet();
    for (const auto& [name, value] : changed.members()) facet.set(name, value);
    Target made;
    made.name = "jobs";
    made.facets = Json::object({{"rabbitmq", facet}});
    return made;
  }
  std::int64_t depth() {
    const auto found = rabbitmq_queue.depth(target(), world_.context());
    EXPECT_TRUE(found) << (found ? "" : found.error().text);
    return found.value_or(-1);
  }
  Result<std::int64_t> replayed() {
    return rabbitmq_queue.replay(target(), Utc{}, world_.context());
  }
  // The vhost's queue with dead letters, some of which have been given up.
  void give_up(int count, const std::string& prefix = "dead-") {
    for (int i = 0; i < count; ++i) vhost_.publish(prefix + std::to_string(i));
    auto connection = open_rabbit(rabbit_queue_of(target()).value(), world_.context()).value();
    auto channel = connection.channel().value();
    for (int i = 0; i < count; ++i) {
      const auto got = channel.get("orders").value();
      ASSERT_TRUE(got);
      ASSERT_TRUE(channel.give_up(got->tag));
    }
  }
  void make_dead_letters() {
    for (const char* queue : {"orders", "dead"}) vhost_.drop(queue);
    vhost_.make("dead");
    vhost_.make("orders", Json::parse(R"({"x-dead-letter-exchange": "",
                                          "x-dead-letter-routing-key": "dead"})")
                              .value());
  }

  RabbitVhost vhost_;  // first: a node takes its time, and the world has a deadline
  DeedWorld world_;
};

TEST_F(RabbitTargetOnRabbit, IsOneQueueOfOneCluster) {
  vhost_.publish("a");
  const auto found = rabbitmq_facet.resolve(target(), world_.context());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->identity, "rabbitmq:gameday-tests/" + vhost_.name() + "/orders");
  EXPECT_EQ(found->facts.text("type"), "classic");
  EXPECT_TRUE(found->facts.boolean("durable", false));
  EXPECT_EQ(found->facts.integer("messages", -1), 1);
  const std::string all = found->shown + found->facts.dump() + found->identity;
  EXPECT_EQ(all.find(RabbitVhost::kPassword), std::string::npos);
  EXPECT_EQ(all.find("gameday:"), std::string::npos) << "neither user nor password is shown";
}

TEST_F(RabbitTargetOnRabbit, WhatIsNotThereOrNotOursIsNamed) {
  const auto error_of = [&](const Json& changed) {
    const auto found = rabbitmq_facet.resolve(target(changed), world_.context());
    EXPECT_FALSE(found) << changed.dump();
    return found ? Error{} : found.error();
  };
  EXPECT_EQ(error_of(Json::object({{"queue", "none"}})).code, ErrorCode::not_found);
  const auto wrong = error_of(Json::object({{"url", vhost_.url("wrong")}}));
  EXPECT_EQ(wrong.code, ErrorCode::refused) << wrong.text;
  EXPECT_EQ(wrong.text.find("wrong"), std::string::npos) << "the password is shown";
  EXPECT_EQ(error_of(Json::object({{"url", "http://mq"}})).code, ErrorCode::invalid);
  EXPECT_EQ(error_of(Json::object({{"url", "amqp://gameday:${env:RABBIT_PASSWORD}@" +
                                               vhost_.node().amqp() + "/none"}}))
                .code,
            ErrorCode::not_found);
  EXPECT_EQ(error_of(Json::object({{"management",
                                    "http://gameday:no@" + vhost_.node().management().substr(7)}}))
                .code,
            ErrorCode::refused);
  EXPECT_EQ(error_of(Json::object({{"management", "http://127.0.0.1:1"}})).code, ErrorCode::failed);
  EXPECT_EQ(error_of(Json::object(
                         {{"url", "amqp://gameday:${env:NO_SUCH_SECRET}@" + vhost_.node().amqp()}}))
                .code,
            ErrorCode::not_found);
}

TEST_F(RabbitTargetOnRabbit, WhatIsOutForDeliveryCountsWithoutDelay) {
  EXPECT_EQ(depth(), 0);
  vhost_.publish("a");
  vhost_.publish("b");
  EXPECT_EQ(depth(), 2);
  auto connection = open_rabbit(rabbit_queue_of(target()).value(), world_.context()).value();
  auto channel = connection.channel().value();
  const auto one = channel.get("orders").value(), two = channel.get("orders").value();
  ASSERT_TRUE(one && two);
  EXPECT_EQ(depth(), 2) << "nothing waits, but two are worked on";
  ASSERT_TRUE(channel.acknowledge(one->tag, false));
  EXPECT_EQ(depth(), 1);
  ASSERT_TRUE(channel.acknowledge(two->tag, false));
  EXPECT_EQ(depth(), 0);
}

// A quorum queue's numbers are old; that it is empty is said only of what was so after the call.
TEST_F(RabbitTargetOnRabbit, AQuorumQueueIsEmptyOnlyByNewStatistics) {
  vhost_.drop("orders");
  vhost_.make("orders", Json::object({{"x-queue-type", "quorum"}}));
  for (int i = 0; i < 3; ++i) vhost_.publish("q");
  const Instant begun = world_.clock().now().boot;
  EXPECT_EQ(depth(), 3);
  auto connection = open_rabbit(rabbit_queue_of(target()).value(), world_.context()).value();
  auto channel = connection.channel().value();
  std::uint64_t last = 0;
  while (const auto got = channel.get("orders").value()) last = got->tag;
  EXPECT_EQ(depth(), 3);
  ASSERT_TRUE(channel.acknowledge(last, true));
  world_.set_until({{}, world_.clock().in(30s)});
  std::int64_t left = 3;  // until its statistics say otherwise, it may be as full as before
  for (int looks = 0; looks < 100 && left > 0; ++looks) {
    (void)world_.clock().sleep({{}, world_.clock().in(100ms)});
    left = depth();
  }
  EXPECT_EQ(left, 0);
  world_.set_until({{}, world_.clock().in(200ms)});
  const auto hasty = rabbitmq_queue.depth(target(), world_.context());
  ASSERT_FALSE(hasty) << "there were no newer statistics within that";
  EXPECT_EQ(hasty.error().code, ErrorCode::timed_out);
  EXPECT_LT(world_.clock().now().boot - begun, 60s);
}

TEST_F(RabbitTargetOnRabbit, AQueueThatIsNotThereHasNoDepth) {
  vhost_.drop("orders");
  EXPECT_EQ(rabbitmq_queue.depth(target(), world_.context()).error().code, ErrorCode::not_found);
  vhost_.make("orders");
  vhost_.node().kill();
  EXPECT_FALSE(rabbitmq_queue.depth(target(), world_.context()));
  vhost_.node().start();
  EXPECT_EQ(depth(), 0);
}

TEST_F(RabbitTargetOnRabbit, ReplayMovesDeadLettersBack) {
  make_dead_letters();
  give_up(250);
  EXPECT_EQ(vhost_.messages("dead").size(), 250u);
  vhost_.publish("alive");
  const auto moved = replayed();
  ASSERT_TRUE(moved) << moved.error().text;
  EXPECT_EQ(*moved, 250);
  EXPECT_EQ(vhost_.bodies("dead"), "");
  EXPECT_EQ(vhost_.messages().size(), 251u);
  EXPECT_EQ(replayed().value(), 0);
}

TEST_F(RabbitTargetOnRabbit, WithoutDeadLettersThereIsNoReplay) {
  const auto unnamed =
      rabbitmq_queue.replay(target(Json::object({{"dead_letters", ""}})), Utc{}, world_.context());
  ASSERT_FALSE(unnamed);
  EXPECT_EQ(unnamed.error().code, ErrorCode::unsupported);
  EXPECT_EQ(replayed().error().code, ErrorCode::not_found) << "no queue is called dead";
}

TEST_F(RabbitTargetOnRabbit, WhatTheQueueDoesNotTakeStaysWithTheDeadLetters) {
  make_dead_letters();
  give_up(5);
  vhost_.drop("orders");
  EXPECT_FALSE(replayed());
  EXPECT_EQ(vhost_.messages("dead").size(), 5u);
}

TEST_F(RabbitTargetOnRabbit, DyingAtAnyChangeOfAReplayLosesNone) {
  make_dead_letters();
  int points = 0;
  for (bool died = true; died; ++points) {
    give_up(3, "d");
    died = world_.dies_at(points, [&] {
      DeedContext context = world_.context();
      static_cast<void>(rabbitmq_queue.replay(target(), Utc{}, context));
    });
    const std::string there = vhost_.bodies() + "/" + vhost_.bodies("dead");
    const bool once = there == "d0 d1 d2/" || there == "/d0 d1 d2";
    EXPECT_TRUE(once || there == "d0 d1 d2/d0 d1 d2") << "point " << points << ": " << there;
    make_dead_letters();
  }
  EXPECT_GE(points, 4);
}

}  // namespace
}  // namespace gameday
