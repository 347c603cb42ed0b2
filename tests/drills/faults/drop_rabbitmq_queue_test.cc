#include <sys/stat.h>

#include <atomic>
#include <future>
#include <optional>
#include <set>
#include <thread>

#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow drop_rabbitmq_queue_fault;

namespace {

class DropQueueOnRabbit : public RabbitFixture {
 protected:
  DropQueueOnRabbit() : RabbitFixture(drop_rabbitmq_queue_fault) {}
};

TEST_F(DropQueueOnRabbit, DropsTheQueueAndPutsBackWhatWasInIt) {
  const Undo undo = prepared();
  EXPECT_EQ(vhost_.bodies(), "a b c") << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_FALSE(vhost_.exists());
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).facts.integer("kept", 0), 3);
  EXPECT_FALSE(gone(undo).held);
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "a b c");
  }
  EXPECT_EQ(gone(undo).facts.integer("put_back", 0), 3);
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(DropQueueOnRabbit, WhatWasKeptIsNobodyElsesToRead) {
  const Undo undo = injected();
  EXPECT_EQ(undo.arguments.dump().find(RabbitVhost::kPassword), std::string::npos);
  for (const char* end : {"", ".0"}) {
    struct stat found{};
    ASSERT_EQ(stat((undo.arguments.text("saved") + end).c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u);
  }
}

TEST_F(DropQueueOnRabbit, TermsBindingsAndPropertiesAreAsBefore) {
  vhost_.drop("orders");
  vhost_.make("orders", Json::parse(R"({"x-max-length": 1000, "x-message-ttl": 3600000,
                                        "x-dead-letter-exchange": "amq.fanout",
                                        "x-max-priority": 5})")
                            .value());
  vhost_.bind("amq.topic", "order.*", Json::object());
  vhost_.bind("amq.headers", "", Json::object({{"x-match", "any"}, {"kind", "order"}}));
  const Json properties = Json::parse(R"({"delivery_mode": 2, "content_type": "text/x",
                                          "message_id": "m1", "timestamp": 1700000000,
                                          "user_id": "guest", "priority": 4,
                                          "headers": {"n": 5, "list": [1, "two"]}})")
                              .value();
  vhost_.publish("direct", properties);
  vhost_.publish("routed", properties, "amq.topic", "order.new");
  Json headers = properties.get("headers");
  headers.set("CC", Json(Json::Array{"orders-copy"}));
  const Json terms = vhost_.look();
  const auto bindings = vhost_.bindings();
  const auto before = vhost_.messages();
  const Undo undo = injected();
  EXPECT_TRUE(proof(undo).held);
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  for (const char* name : {"durable", "auto_delete", "arguments", "type"}) {
    EXPECT_EQ(vhost_.look().get(name).dump(), terms.get(name).dump()) << name;
  }
  EXPECT_EQ(Json(vhost_.bindings()).dump(), Json(bindings).dump());
  const auto after = vhost_.messages();
  ASSERT_EQ(after.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after[i].text("payload"), before[i].text("payload"));
    EXPECT_EQ(after[i].text("routing_key"), before[i].text("routing_key"));
    for (const char* name : {"delivery_mode", "content_type", "message_id", "timestamp"}) {
      EXPECT_EQ(after[i].get("properties").get(name), before[i].get("properties").get(name));
    }
    const Json& now = after[i].get("properties").get("headers");
    EXPECT_EQ(now.get("list").dump(), R"([1,"two"])");
    EXPECT_EQ(now.text("gameday-user-id"), "guest") << "we are not who had published it";
  }
  EXPECT_EQ(after[1].get("properties").get("headers").text("gameday-exchange"), "amq.topic");
}

// A header CC sends copies to other queues, when a message is published as it was.
TEST_F(DropQueueOnRabbit, PuttingBackReachesNoOtherQueue) {
  vhost_.make("copies");
  vhost_.publish("d", Json::parse(R"({"headers": {"CC": ["copies"]}})").value());
  ASSERT_EQ(vhost_.bodies("copies"), "d");
  undo_it(injected());
  EXPECT_EQ(vhost_.bodies(), "a b c d");
  EXPECT_EQ(vhost_.bodies("copies"), "d");
  EXPECT_EQ(vhost_.marks(), "") << "the way back goes too";
}

TEST_F(DropQueueOnRabbit, WhatCameSinceStaysAndAQueueMadeAnewIsAnother) {
  const Undo undo = injected();
  vhost_.make("orders");
  vhost_.publish("d");
  EXPECT_TRUE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("made again"), std::string::npos) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "d a b c");
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(DropQueueOnRabbit, WhatAConsumerHoldsGoesWithItAndIsTold) {
  const Amqp consumer = holder();
  const Undo undo = injected();
  EXPECT_NE(proof(undo).text.find("consumers held 1 of its"), std::string::npos)
      << proof(undo).text;
  undo_it(undo);
  EXPECT_EQ(vhost_.bodies(), "b c");
}

TEST_F(DropQueueOnRabbit, WithoutRestoringMessagesOnlyTheQueueComesBack) {
  deed_.arguments.set("restore_messages", false);
  const Undo undo = injected();
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(vhost_.bodies(), "");
}

TEST_F(DropQueueOnRabbit, UndoWithoutInjectHarmsNothing) {
  const Undo undo = undo_from(Json::parse(to_json(prepared()).dump()).value()).value();
  world_.system().targets.clear();
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(vhost_.bodies(), "a b c");
  EXPECT_EQ(vhost_.marks(), "");
}

TEST_F(DropQueueOnRabbit, MissingNotesAreNoSuccess) {
  const Undo undo = injected();
  std::filesystem::remove(undo.arguments.text("saved"));
  EXPECT_EQ(row_.undo(undo, world_.context()).error().code, ErrorCode::not_found);
  EXPECT_FALSE(row_.gone(undo, world_.context()));
}

// The server is killed while the queue is gone, and started again.
TEST_F(DropQueueOnRabbit, AServerThatWasKilledMeanwhileGetsItsQueueBack) {
  vhost_.publish("kept", Json::object({{"delivery_mode", 2}}));
  const Undo undo = injected();
  vhost_.node().kill();
  EXPECT_FALSE(row_.undo(undo, world_.context())) << "a server that is down is no empty queue";
  EXPECT_FALSE(row_.gone(undo, world_.context()));
  EXPECT_FALSE(row_.prove(deed_, undo, world_.context()));
  vhost_.node().start();
  EXPECT_TRUE(proof(undo).held);
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies(), "a b c kept");
}

TEST_F(DropQueueOnRabbit, DyingAtAnyChangeLosesNoMessage) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = dies_at(points, [&](const DeedContext& context) {
      static_cast<void>(row_.inject(deed_, undo, context));
    });
    if (vhost_.exists()) {
      ASSERT_FALSE(proof(undo).held) << "point " << points << ": " << proof(undo).text;
    }
    for (int time = 0; time < 2; ++time) {
      undo_it(undo);
      ASSERT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
      ASSERT_EQ(vhost_.bodies(), "a b c") << "point " << points;
      ASSERT_EQ(vhost_.marks(), "") << "point " << points;
    }
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
    ASSERT_EQ(private_files(), "") << "point " << points;
  }
  EXPECT_GE(points, 12);
}

// What a deed has sent may come to pass as long as its connection stands.
TEST_F(DropQueueOnRabbit, WhatIsUnderWayIsWaitedForBeforeItIsUndone) {
  const Undo undo = prepared();
  ASSERT_TRUE(dies_at(10, [&](const DeedContext& context) {
    static_cast<void>(row_.inject(deed_, undo, context));
  }));
  ASSERT_EQ(vhost_.bindings().size(), 1u) << "the mark";
  std::optional<Amqp> under_way = connected();
  const AmqpDeclaration own{.queue = "gameday.drill-1", .durable = false, .exclusive = true};
  for (bool owned = false; !owned;) owned = under_way->channel()->declare(own).has_value();
  ASSERT_TRUE(under_way->channel()->get("orders").value());
  std::atomic<bool> stands{true};
  std::thread ending([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(300))});
    stands = false;
    under_way.reset();
  });
  undo_it(undo);
  EXPECT_FALSE(stands) << "it did not wait";
  ending.join();
  EXPECT_EQ(vhost_.bodies(), "a b c");
  EXPECT_TRUE(vhost_.bindings().empty());
}

// A death between putting back and noting it puts in twice, and never nothing.
TEST_F(DropQueueOnRabbit, DyingAtAnyChangeOfTheUndoLosesNoMessage) {
  vhost_.publish("d", Json::object(), "amq.direct", "elsewhere", false);
  vhost_.bind("amq.direct", "other", Json::object());
  vhost_.publish("e", Json::object(), "amq.direct", "other");
  int points = 0, doubled = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = injected();
    died = dies_at(
        points, [&](const DeedContext& context) { static_cast<void>(row_.undo(undo, context)); });
    undo_it(undo);
    ASSERT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    ASSERT_EQ(vhost_.marks(), "") << "point " << points;
    const std::string bodies = vhost_.bodies();
    if (bodies != "a b c e") {
      ASSERT_EQ(bodies, "a b c e a b c e") << "point " << points;
      ++doubled;
      vhost_.drop("orders");
      vhost_.make("orders");
      vhost_.bind("amq.direct", "other", Json::object());
      for (const char* body : {"a", "b", "c"}) vhost_.publish(body);
      vhost_.publish("e", Json::object(), "amq.direct", "other");
    }
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
  }
  EXPECT_GE(points, 8);
  EXPECT_GE(doubled, 1);
  EXPECT_LE(doubled, 5);
}

// Publishes one after another until it is told to end; what was confirmed.
std::vector<std::string> publish_until(const std::atomic<bool>& ended, const RabbitQueue& queue) {
  DeedWorld own;
  auto connection = open_rabbit(queue, own.context()).value();
  std::vector<std::string> confirmed;
  for (int i = 0; !ended; ++i) {
    auto channel = connection.channel();
    const AmqpMessage message{"m" + std::to_string(i), "", "", "orders"};
    if (channel && channel->publish(std::span(&message, 1))) confirmed.push_back(message.body);
    (void)own.clock().sleep({{}, own.clock().in(std::chrono::milliseconds(3))});
  }
  return confirmed;
}

// The server confirms what it has handed to a queue's process that has just let itself be dropped:
// that one message of a publisher which waits for each confirm is lost, and no other.
TEST_F(DropQueueOnRabbit, UnderLoadOnlyWhatIsOnItsWayInAtTheDropIsLost) {
  std::atomic<bool> ended{false};
  const auto queue = rabbit_queue_of(world_.system().targets.front()).value();
  auto load = std::async(std::launch::async, [&] { return publish_until(ended, queue); });
  (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(200))});
  const Undo undo = injected();
  EXPECT_TRUE(proof(undo).held);
  undo_it(undo);
  (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(300))});
  ended = true;
  const auto confirmed = load.get();
  const auto kept = static_cast<std::size_t>(proof(undo).facts.integer("kept", 0)) - 3;
  ASSERT_GT(confirmed.size(), kept + 3);
  ASSERT_GT(kept, 5u);
  std::set<std::string> present;
  for (const Json& message : vhost_.messages()) {
    EXPECT_TRUE(present.insert(message.text("payload")).second) << "twice";
  }
  for (std::size_t i = 0; i < confirmed.size(); ++i) {
    EXPECT_TRUE(present.contains(confirmed[i]) || i == kept) << confirmed[i] << " of " << kept;
  }
}

// One that comes between the last look and the drop: the server has found the queue empty, and we
// have its word for that. The drop is the last change but for what closes the connection.
TEST_F(DropQueueOnRabbit, WhatComesJustBeforeTheDropIsKept) {
  int changes = 0, late = -1;
  const auto inject_watched = [&](const Undo& undo) {
    const WriteObserver observer = [&, seen = 0](std::string_view what, Side side) mutable {
      if (what != "amqp" || side != Side::before) return;
      if (seen++ == late) vhost_.publish("late");
      changes = seen;
    };
    const Doors& own = world_.doors();
    const Doors watched{own.clock, own.files, own.processes, own.http, observer};
    const DeedContext& whole = world_.context();
    return row_.inject(deed_, undo,
                       {.doors = watched,
                        .system = whole.system,
                        .secrets = whole.secrets,
                        .drill = whole.drill,
                        .mark = whole.mark,
                        .private_folder = whole.private_folder,
                        .until = whole.until});
  };
  const Undo first = prepared();
  ASSERT_TRUE(inject_watched(first));
  undo_it(first);
  ASSERT_TRUE(row_.close(first, false, world_.context()));
  late = changes - 1;
  const Undo second = prepared();
  ASSERT_TRUE(inject_watched(second));
  EXPECT_GT(changes, late + 1) << "the drop was not tried again";
  undo_it(second);
  EXPECT_EQ(vhost_.bodies(), "a b c late");
}

TEST_F(DropQueueOnRabbit, WhatCannotBeDroppedExactlyIsNotStartedOn) {
  vhost_.drop("orders");
  EXPECT_EQ(prepare().error().code, ErrorCode::not_found);
  for (const char* type : {"quorum", "stream"}) {
    vhost_.make("orders", Json::object({{"x-queue-type", type}}));
    EXPECT_EQ(prepare().error().code, ErrorCode::unsupported) << type;
    vhost_.drop("orders");
  }
}

TEST_F(DropQueueOnRabbit, MarksAreFoundWithoutUndoOrStore) {
  const auto none = row_.discover(deed_, world_.context());
  ASSERT_TRUE(none) << none.error().text;
  EXPECT_TRUE(none->items().empty());
  const Undo undo = prepared();
  ASSERT_TRUE(dies_at(8, [&](const DeedContext& context) {
    static_cast<void>(row_.inject(deed_, undo, context));
  }));
  const auto found = row_.discover(deed_, world_.context());
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_EQ(found->items().size(), 1u);
  EXPECT_EQ(found->items()[0].text("mark"), "drill-1");
  undo_it(undo);
}

TEST_F(DropQueueOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"orders", "gameday\\..*"}, {"orders", "gameday\\..*", "amq\\.default"},
               {"orders", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
