#include "drills/systems/rabbitmq.h"
#include "tests/drills/rabbit_consumer.h"
#include "tests/drills/shop_queue.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow queue_probe;

namespace {

using namespace std::chrono_literals;

class QueueProbeTest : public ProbeTest {
 protected:
  QueueProbeTest() : ProbeTest(queue_probe) {
    system_ += "  orders: { queue: \"" + queue_.url() + "\" }\n";
    system_ +=
        "  jobs: { rabbitmq: { url: \"amqp://127.0.0.1:1\", queue: jobs, management: "
        "\"http://127.0.0.1:1\" } }\n";
    queue_.publish({"d-1", "d-2", "d-3"});
  }
  static std::string expecting(const std::string& terms, const std::string& target = "orders") {
    return "{ queue: { target: " + target + ", expect: { " + terms + " } } }";
  }

  ShopQueue queue_{world_};
};

TEST_F(QueueProbeTest, ThatItIsThereIsEnoughWithoutTerms) {
  const auto answer = ask("{ queue: orders }");
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "depth 3");
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  expect_no("{ queue: orders }", "there is no queue");
  queue_.end();
  expect_no_with("{ queue: orders }", "GET");
}

TEST_F(QueueProbeTest, EachTermIsJudged) {
  expect_good(expecting("depth: \"< 4\", unacknowledged: \"0\", dead_letters: \"0\""));
  expect_no(expecting("depth: \"< 3\""), "depth 3, expected < 3");
  ASSERT_TRUE(queue_.ask("POST", "/lease", Json::object({{"max", 2}})));
  expect_good(expecting("depth: \"3\", unacknowledged: \"2\""));
  expect_no(expecting("unacknowledged: \"0\""), "depth 3, unacknowledged 2, expected == 0");
}

TEST_F(QueueProbeTest, WhatCannotBeKnownIsFoundByCheck) {
  EXPECT_TRUE(problem(expecting("consumers: \"> 0\"")).contains("does not tell"));
  EXPECT_TRUE(problem(expecting("oldest_age: \"< 5s\"")).contains("does not tell"));
  EXPECT_TRUE(problem(expecting("dead_letters: \"0\"", "jobs")).contains("names no dead_letters"));
  EXPECT_TRUE(problem(expecting("depth: idle")).contains("is no number"));
  EXPECT_TRUE(problem("{ queue: front }").contains("is no queue"));
  EXPECT_FALSE(problem("{ queue: nobody }").empty());
  EXPECT_EQ(problem(expecting("consumers: \"> 0\"", "jobs")), "");
  expect_no(attempt(Json::parse(R"({"target": "orders", "expect": {"consumers": "> 0"}})").value()),
            "there is no such target");
}

TEST_F(QueueProbeTest, AServerOfRabbitMqThatIsDownIsNoEmptyQueue) {
  expect_no_with(expecting("depth: \"0\"", "jobs"), "no answer");
}

class QueueProbeOnRabbit : public ProbeTest {
 protected:
  QueueProbeOnRabbit() : ProbeTest(queue_probe) {
    system_ += "  jobs: { rabbitmq: " + vhost_.facet().dump() + " }\n";
    vhost_.make("dead");
  }
  static std::string expecting(const std::string& terms) {
    return "{ queue: { target: jobs, expect: { " + terms + " } } }";
  }

  RabbitVhost vhost_;
};

TEST_F(QueueProbeOnRabbit, EachTermIsJudgedAtOnce) {
  expect_good(
      expecting("depth: \"0\", unacknowledged: \"0\", consumers: \"0\", dead_letters: \"0\""));
  for (const char* body : {"a", "b"}) vhost_.publish(body);
  vhost_.publish("given up", Json::object(), "amq.default", "dead");
  expect_good(expecting("depth: \"2\", unacknowledged: \"0\", dead_letters: \">= 1\""));
  expect_no(expecting("dead_letters: \"0\""), "depth 2, dead letters 1, expected == 0");
  expect_no(expecting("consumers: \"> 0\""), "depth 2, consumers 0, expected > 0");
  const RabbitConsumer consumer(vhost_, world_);
  expect_good(expecting("consumers: \"1\""));
  EXPECT_TRUE(eventually([&] { return ask(expecting("unacknowledged: \"2\"")).ok; }));
  expect_no(expecting("unacknowledged: \"< 2\""), "depth 2, unacknowledged 2, expected < 2");
}

TEST_F(QueueProbeOnRabbit, TheAgeOfTheOldestIsKnownWhereItSaysSo) {
  expect_good(expecting("oldest_age: \"< 1s\""));
  const auto now = std::chrono::floor<std::chrono::seconds>(world_.clock().now().utc);
  vhost_.publish("a", Json::object({{"timestamp", now.time_since_epoch().count() - 120}}));
  // The server tells it with its next statistics.
  bool told = false;
  for (int looks = 0; looks < 100 && !told; ++looks) {
    told = ask(expecting("oldest_age: \"> 1m\"")).ok;
    if (!told) (void)world_.clock().sleep({{}, world_.clock().in(200ms)});
  }
  EXPECT_TRUE(told) << ask(expecting("oldest_age: \"> 1m\"")).text;
  expect_no_with(expecting("oldest_age: \"< 100s\""), "expected < 100");
}

TEST_F(QueueProbeOnRabbit, AMessageThatCarriesNoTimeHasNoAge) {
  vhost_.publish("a");
  expect_no(expecting("oldest_age: \"< 1h\""),
            "the oldest message carries no time, or none was told yet");
}

TEST_F(QueueProbeOnRabbit, NoQueueNoRightAndNoServerAreToldApart) {
  vhost_.drop("dead");
  expect_no(expecting("dead_letters: \"0\""), "there is no queue dead");
  vhost_.drop("orders");
  expect_no("{ queue: jobs }", "there is no queue orders");
  secrets_.learn("env:RABBIT_PASSWORD", "wrong");
  expect_no_with("{ queue: jobs }", "status 401");
}

}  // namespace
}  // namespace gameday
