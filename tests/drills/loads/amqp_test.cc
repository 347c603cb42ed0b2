#include "tests/drills/rabbit_consumer.h"
#include "tests/drills/rabbit_node.h"
#include "tests/drills/row_load.h"

namespace gameday {

extern const LoadRow amqp_load;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Json jobs() { return Json::object({{"connection", "jobs"}, {"digest", "/digest"}}); }

TEST(AmqpLoad, WhatCannotWorkIsFoundByCheck) {
  DeedWorld world;
  world.add_target("jobs", "rabbitmq",
                   Json::object({{"url", "amqp://127.0.0.1"},
                                 {"queue", "orders"},
                                 {"management", "http://127.0.0.1:15672"}}));
  const auto wrong = [&](std::string_view field, const std::string& text) {
    Json arguments = jobs();
    arguments.set(field, text);
    return RowLoad(world, amqp_load, arguments).wrong();
  };
  EXPECT_EQ(RowLoad(world, amqp_load, jobs()).wrong(), "");
  EXPECT_TRUE(wrong("connection", "nothing").contains("no target"));
  EXPECT_TRUE(wrong("body", R"({"key":"{key}"})").contains("needs {digest}"));
  EXPECT_TRUE(wrong("body", R"({"sum":"{digest}"})").contains("at /digest"));
  EXPECT_TRUE(wrong("body", "{digest}").contains("no JSON"));
  EXPECT_TRUE(wrong("digest", "digest").contains("JSON pointer"));
}

class AmqpLoadOnRabbitTest : public testing::Test {
 protected:
  AmqpLoadOnRabbitTest() {
    world_.add_target("jobs", "rabbitmq", vhost_.facet());
    vhost_.publish("theirs");
  }
  // "KEY DIGEST" a line, as the management API shows the messages.
  std::string rows() {
    std::string all;
    for (const Json& message : vhost_.messages()) {
      const auto body = Json::parse(message.text("payload"));
      if (body) all += body->text("key") + " " + body->text("digest") + "\n";
    }
    return all;
  }

  DeedWorld world_;
  RabbitVhost vhost_;
  RowLoad load_{world_, amqp_load, jobs()};
};

TEST_F(AmqpLoadOnRabbitTest, WhatIsConfirmedIsThereAndNothingIsLost) {
  load_.run(seconds(2));
  EXPECT_GT(load_.count(SampleOutcome::ok), 100U);
  const Json first = vhost_.messages().back().get("properties");
  EXPECT_EQ(first.integer("delivery_mode", 0), 2);
  EXPECT_EQ(first.get("headers").text("gameday-drill"), "drill");
  const Instant now = world_.clock().now().boot;
  const LedgerSummary summary = load_.judge(now);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_EQ(summary.present, load_.acknowledged().size());
  EXPECT_EQ(summary.duplicate, 0U);
  EXPECT_EQ(summary.phantom, 0U);
  EXPECT_EQ(summary.rpo_s.worst, 0);
  expect_same(load_, summary, load_.told_by_script(rows(), now));
  EXPECT_EQ(load_.judge(now).present, summary.present) << "they were given back";

  EXPECT_FALSE(load_.gone().held);
  ASSERT_TRUE(load_.undo());
  EXPECT_TRUE(load_.gone().held);
  EXPECT_TRUE(load_.undo()) << "again, as after a death";
  EXPECT_EQ(vhost_.bodies(), "theirs");
}

// Confirmed when it is in memory, and not kept on disk: a node that is ended loses them.
TEST_F(AmqpLoadOnRabbitTest, WhatARestartTookIsNamedWithItsRecoveryPoint) {
  load_.spec().arguments.set("persistent", false);
  load_.start();
  load_.rest(seconds(1));
  const Instant disaster = world_.clock().now().boot;
  vhost_.node().kill();
  vhost_.node().start();
  load_.rest(seconds(1));
  load_.end();
  const LedgerSummary summary = load_.judge(disaster);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_GT(summary.lost, 0U);
  EXPECT_GT(summary.rpo_s.best, 0.3);
  EXPECT_TRUE(load_.found["lost"].contains(load_.acknowledged().front()));
  expect_same(load_, summary, load_.told_by_script(rows(), disaster));
}

TEST_F(AmqpLoadOnRabbitTest, WhatWasPurgedIsLostAndADroppedQueueHoldsNothing) {
  load_.start();
  load_.rest(seconds(1));
  const Instant disaster = world_.clock().now().boot;
  vhost_.ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
  load_.rest(seconds(1));
  load_.end();
  const LedgerSummary purged = load_.judge(disaster);
  EXPECT_GT(purged.lost, 0U);
  EXPECT_GT(purged.present, 0U);
  expect_same(load_, purged, load_.told_by_script(rows(), disaster));

  vhost_.drop("orders");
  const LedgerSummary dropped = load_.judge(disaster);
  EXPECT_TRUE(dropped.read_back) << load_.problem;
  EXPECT_EQ(dropped.lost, load_.acknowledged().size());
  EXPECT_TRUE(load_.undo());
  EXPECT_TRUE(load_.gone().held);
}

TEST_F(AmqpLoadOnRabbitTest, MessagesAreToldApart) {
  load_.run(seconds(1));
  ASSERT_GT(load_.acknowledged().size(), 20U);
  const auto put = [&](const std::string& key, const std::string& digest) {
    vhost_.publish(R"({"key":")" + key + R"(","digest":")" + digest + R"("})",
                   Json::object({{"headers", Json::object({{"gameday-drill", "drill"},
                                                           {"gameday-load", "facts"},
                                                           {"gameday-key", key}})}}));
  };
  put(load_.key(3), load_.digest(3));
  put(load_.key(5), "made up");
  put(load_.key(900000), "x");
  (void)load_.judge();
  EXPECT_EQ(load_.found["duplicate"], std::set{load_.key(3)});
  EXPECT_EQ(load_.found["corrupt"], std::set{load_.key(5)});
  EXPECT_EQ(load_.found["phantom"], std::set{load_.key(900000)});
  EXPECT_EQ(load_.found.count("lost"), 0U);
}

TEST_F(AmqpLoadOnRabbitTest, WhatNoQueueTakesIsRefused) {
  load_.spec().arguments.set("routing_key", "nobodys");
  load_.run(seconds(1));
  EXPECT_GT(load_.count(SampleOutcome::refused), 20U);
  EXPECT_EQ(load_.count(SampleOutcome::ok), 0U);
  EXPECT_EQ(load_.count(SampleOutcome::unknown), 0U);
}

TEST_F(AmqpLoadOnRabbitTest, ItDoesNotBeginWhereOthersConsumeOrItMayNot) {
  load_.prepare();
  EXPECT_TRUE(load_.may());
  vhost_.allow(".*", ".*", "^$");
  EXPECT_FALSE(load_.may());
  vhost_.allow(".*", "^$", ".*");
  EXPECT_FALSE(load_.may());
  vhost_.allow(".*", ".*", ".*");
  {
    const RabbitConsumer consumer(vhost_, world_);
    const Status may = load_.may();
    ASSERT_FALSE(may);
    EXPECT_TRUE(may.error().text.contains("1 consumers")) << may.error().text;
  }
  EXPECT_EQ(vhost_.bodies(), "theirs");
}

}  // namespace
}  // namespace gameday
