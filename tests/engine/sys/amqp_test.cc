#include "engine/sys/amqp.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/drills/deed_world.h"
#include "tests/drills/rabbit_node.h"
#include "tests/drills/silent_peer.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

AmqpAddress read(std::string_view url) {
  const auto address = amqp_address_of(url);
  EXPECT_TRUE(address) << url << ": " << (address ? "" : address.error().text);
  return address.value_or(AmqpAddress{});
}

TEST(AmqpAddressTest, ReadsEachPartOfAUrl) {
  const auto whole = read("amqps://a%40b:p%2Fw@mq.example:5673/my%2Fvhost");
  EXPECT_TRUE(whole.tls);
  EXPECT_EQ(whole.user, "a@b");
  EXPECT_EQ(whole.password, "p/w");
  EXPECT_EQ(whole.host, "mq.example");
  EXPECT_EQ(whole.port, 5673);
  EXPECT_EQ(whole.vhost, "my/vhost");
  const auto shortest = read("amqp://mq");
  EXPECT_EQ(shortest.user + shortest.password + shortest.vhost, "guestguest/");
  EXPECT_EQ(shortest.port, 5672);
  EXPECT_EQ(read("amqps://mq/").port, 5671);
  EXPECT_EQ(read("amqp://mq/").vhost, "/");
  EXPECT_EQ(read("amqp://[::1]:7/x").host, "::1");
  EXPECT_EQ(read("amqp://[::1]:7/x").port, 7);
}

TEST(AmqpAddressTest, ReferencesToSecretsStayWhole) {
  const auto address = read("amqp://shop:${file:/run/secrets/a%40b}@mq:1/${env:VHOST}");
  EXPECT_EQ(address.password, "${file:/run/secrets/a%40b}");
  EXPECT_EQ(address.host, "mq");
  EXPECT_EQ(address.vhost, "${env:VHOST}");
}

TEST(AmqpAddressTest, RefusesWhatIsNoUrlOfAServer) {
  for (const char* wrong :
       {"http://mq", "mq:5672", "amqp://", "amqp://user@", "amqp://mq:x", "amqp://mq:0",
        "amqp://mq:70000", "amqp://mq/a/b", "amqp://mq/a?heartbeat=1", "amqp://mq/%2",
        "amqp://us%er@mq", "amqp://[::1"}) {
    const auto address = amqp_address_of(wrong);
    ASSERT_FALSE(address) << wrong;
    EXPECT_EQ(address.error().code, ErrorCode::invalid);
  }
}

TEST(AmqpPropertiesTest, HeadersAreSetAndLeftOut) {
  const auto some = edited_properties("", {.headers = {{"a", "1"}, {"b", "2"}}}).value();
  EXPECT_EQ(text_header(some, "a"), "1");
  const auto other = edited_properties(some, {.headers = {{"a", "3"}}, .without = {"b"}}).value();
  EXPECT_EQ(text_header(other, "a"), "3");
  EXPECT_FALSE(has_header(other, "b"));
  EXPECT_EQ(edited_properties(other, {}).value(), other);
  EXPECT_FALSE(edited_properties("\xff", {}));
}

// A peer that takes a connection and never speaks.
TEST(AmqpSilentTest, ConnectingEndsWithItsStopAndItsDeadline) {
  DeedWorld world;
  const SilentPeer silent;
  for (const char* scheme : {"amqp://", "amqps://"}) {
    const auto address = read(scheme + silent.address());
    StopSource stop;
    std::jthread stopper([&] {
      (void)world.clock().sleep({{}, world.clock().in(50ms)});
      stop.request();
    });
    Instant begun = world.clock().now().boot;
    auto stopped = Amqp::connect(address, world.clock(), {stop.stop(), world.clock().in(30s)});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::stopped) << stopped.error().text;
    EXPECT_LT(world.clock().now().boot - begun, 250ms);
    begun = world.clock().now().boot;
    auto late = Amqp::connect(address, world.clock(), {{}, world.clock().in(100ms)});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::timed_out) << late.error().text;
    EXPECT_LT(world.clock().now().boot - begun, 300ms);
  }
}

TEST(AmqpSilentTest, NobodyThereIsAnError) {
  DeedWorld world;
  const auto refused =
      Amqp::connect(read("amqp://127.0.0.1:1"), world.clock(), world.context().until);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed);
  EXPECT_NE(refused.error().text.find("127.0.0.1:1"), std::string::npos);
}

class AmqpOnRabbit : public testing::Test {
 protected:
  Result<Amqp> connect(const std::string& url, Duration patience = 30s) {
    return Amqp::connect(read(url), world_.clock(), {stop_.stop(), world_.clock().in(patience)});
  }
  Amqp connected(Duration patience = 30s) {
    auto connection = connect(vhost_.url("s3%2Fcr%40t:x"), patience);
    EXPECT_TRUE(connection) << connection.error().text;
    return std::move(*connection);
  }
  static std::vector<AmqpMessage> numbered(int count) {
    std::vector<AmqpMessage> all;
    for (int i = 0; i < count; ++i) all.push_back({"n" + std::to_string(i), "", "", "orders"});
    return all;
  }

  DeedWorld world_;
  RabbitVhost vhost_;
  StopSource stop_;
};

TEST_F(AmqpOnRabbit, TellsWhichServerItIs) {
  const Amqp connection = connected();
  EXPECT_EQ(connection.server().cluster, "gameday-tests");
  EXPECT_FALSE(connection.server().version.empty());
}

TEST_F(AmqpOnRabbit, AWrongPasswordAndAMissingVhostAreNamed) {
  const auto wrong = connect(vhost_.url("wrong"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::refused) << wrong.error().text;
  EXPECT_NE(wrong.error().text.find("403"), std::string::npos) << wrong.error().text;
  const auto missing =
      connect("amqp://gameday:s3%2Fcr%40t:x@" + vhost_.node().amqp() + "/no-such-vhost");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found) << missing.error().text;
}

// Over TLS, with a server that is trusted and is who it is asked to be; and with no other.
TEST_F(AmqpOnRabbit, SpeaksTlsWithWhomItTrusts) {
  const std::string user = "amqps://gameday:s3%2Fcr%40t:x@";
  AmqpAddress address = read(user + vhost_.node().amqps() + "/" + vhost_.path());
  address.ca = vhost_.node().ca();
  const auto until = [&] { return Until{stop_.stop(), world_.clock().in(30s)}; };
  {
    auto connection = Amqp::connect(address, world_.clock(), until());
    ASSERT_TRUE(connection) << connection.error().text;
    AmqpChannel channel = connection->channel().value();
    const AmqpMessage large{std::string(3 << 20, 'x'), "", "", "orders"};
    ASSERT_TRUE(channel.publish(std::span(&large, 1)));
    const auto got = channel.get("orders").value();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->message.body, large.body);
  }
  AmqpAddress other = address;
  other.host = "127.0.0.1";  // the certificate is for the name alone
  const auto misnamed = Amqp::connect(other, world_.clock(), until());
  ASSERT_FALSE(misnamed);
  EXPECT_EQ(misnamed.error().code, ErrorCode::refused) << misnamed.error().text;
  address.ca = "";
  const auto unknown = Amqp::connect(address, world_.clock(), until());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::refused) << unknown.error().text;
  EXPECT_FALSE(connect("amqps://gameday:x@" + vhost_.node().amqp())) << "it speaks no TLS there";
}

TEST_F(AmqpOnRabbit, AnErrorEndsItsChannelAlone) {
  Amqp connection = connected();
  AmqpChannel one = connection.channel().value(), two = connection.channel().value();
  EXPECT_EQ(one.look("no-such-queue").error().code, ErrorCode::not_found);
  EXPECT_FALSE(one.look("orders")) << "the server has closed this channel";
  EXPECT_EQ(two.look("orders")->ready, 0);
  EXPECT_EQ(connection.channel()->look("orders")->consumers, 0);
}

TEST_F(AmqpOnRabbit, TakesOutWhatWasPutInWithAllItsProperties) {
  const Json properties =
      Json::parse(R"({"delivery_mode": 2, "content_type": "text/x", "priority": 3,
                      "message_id": "m1", "timestamp": 1700000000, "correlation_id": "c",
                      "headers": {"n": 5, "list": [1, "two", true], "deep": {"f": 1.5}}})")
          .value();
  const std::string large(300 << 10, 'x');
  vhost_.publish(large, properties);
  const auto before = vhost_.messages();
  ASSERT_EQ(before.size(), 1u);
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  const auto got = channel.get("orders").value();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->message.body, large);
  EXPECT_EQ(got->message.routing_key, "orders");
  EXPECT_EQ(got->message.exchange, "");
  EXPECT_EQ(channel.look("orders")->ready, 0) << "it is out, to be acknowledged";
  EXPECT_FALSE(channel.get("orders").value());
  ASSERT_TRUE(channel.publish(std::array{got->message}));
  ASSERT_TRUE(channel.acknowledge(got->tag, false));
  const auto after = vhost_.messages();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].get("properties").dump(), before[0].get("properties").dump());
  EXPECT_EQ(after[0].text("payload"), large);
}

TEST_F(AmqpOnRabbit, WhatIsNotAcknowledgedGoesBack) {
  for (const char* body : {"a", "b", "c"}) vhost_.publish(body);
  {
    Amqp connection = connected();
    AmqpChannel channel = connection.channel().value();
    const auto first = channel.get("orders").value();
    ASSERT_TRUE(channel.get("orders").value());
    const auto third = channel.get("orders").value();
    ASSERT_TRUE(first && third);
    ASSERT_TRUE(channel.acknowledge(first->tag, false));
    ASSERT_TRUE(channel.give_back(third->tag, false));
    EXPECT_EQ(channel.look("orders")->ready, 1);
  }
  EXPECT_EQ(vhost_.bodies(), "b c");
}

TEST_F(AmqpOnRabbit, AQueueIsDroppedOnlyIfItIsEmpty) {
  Amqp connection = connected();
  AmqpChannel one = connection.channel().value(), two = connection.channel().value();
  vhost_.publish("a");
  EXPECT_EQ(one.remove("orders", true).error().code, ErrorCode::conflict);
  ASSERT_TRUE(two.get("orders").value());
  AmqpChannel three = connection.channel().value();
  EXPECT_TRUE(three.remove("orders", true)) << "what is out for delivery does not count";
  EXPECT_FALSE(vhost_.exists());
}

TEST_F(AmqpOnRabbit, DeclaresAndBindsWithArguments) {
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  const Json arguments = Json::parse(R"({"x-max-length": 7, "x-message-ttl": 60000,
                                         "x-dead-letter-exchange": ""})")
                             .value();
  ASSERT_TRUE(channel.declare({.queue = "made", .durable = true, .arguments = arguments}));
  EXPECT_TRUE(channel.declare({.queue = "made", .durable = true, .arguments = arguments}));
  EXPECT_EQ(vhost_.look("made").integer("messages_ready", 0), 0);
  for (const auto& [name, value] : arguments.members()) {
    EXPECT_EQ(vhost_.look("made").get("arguments").get(name), value);
  }
  const AmqpBinding binding{.queue = "made",
                            .exchange = "amq.headers",
                            .routing_key = "k",
                            .arguments = Json::object({{"x-match", "all"}, {"mark", "m"}})};
  ASSERT_TRUE(channel.bind(binding));
  ASSERT_EQ(vhost_.bindings("made").size(), 1u);
  EXPECT_EQ(vhost_.bindings("made")[0].get("arguments").text("mark"), "m");
  ASSERT_TRUE(channel.unbind(binding));
  EXPECT_TRUE(channel.unbind(binding)) << "one that is not there is no error";
  EXPECT_TRUE(vhost_.bindings("made").empty());
  EXPECT_EQ(channel.declare({.queue = "made", .durable = false}).error().code, ErrorCode::conflict);
}

TEST_F(AmqpOnRabbit, EveryMessageIsConfirmed) {
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  ASSERT_TRUE(channel.publish(numbered(1050)));
  EXPECT_EQ(channel.look("orders")->ready, 1050);
}

TEST_F(AmqpOnRabbit, AMessageThatNoQueueTakesIsAnError) {
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  auto messages = numbered(3);
  messages[1].routing_key = "nowhere";
  const auto published = channel.publish(messages);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::conflict);
  EXPECT_NE(published.error().text.find("NO_ROUTE"), std::string::npos) << published.error().text;
}

TEST_F(AmqpOnRabbit, AMessageThatAFullQueueRefusesIsAnError) {
  vhost_.make("small", Json::object({{"x-max-length", 2}, {"x-overflow", "reject-publish"}}));
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  auto messages = numbered(9);
  for (auto& message : messages) message.routing_key = "small";
  const auto published = channel.publish(messages);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::conflict);
  EXPECT_NE(published.error().text.find("refused"), std::string::npos) << published.error().text;
}

TEST_F(AmqpOnRabbit, WithoutTheRightToReadItSaysSo) {
  Amqp connection = connected();
  EXPECT_EQ(connection.channel()->try_reading("orders").error().code, ErrorCode::conflict);
  EXPECT_EQ(vhost_.look().integer("consumers", 0), 0);
  vhost_.allow(".*", ".*", "^$");
  EXPECT_EQ(connected().channel()->try_reading("orders").error().code, ErrorCode::refused);
}

TEST_F(AmqpOnRabbit, WithoutTheRightToWriteItSaysSo) {
  vhost_.bind("amq.fanout", "", Json::object());
  const auto publishing = [&](const std::string& exchange) {
    const auto tried = connected().channel()->try_writing(exchange, "orders");
    return tried ? ErrorCode::failed : tried.error().code;
  };
  EXPECT_EQ(publishing("amq.fanout"), ErrorCode::conflict);
  EXPECT_EQ(publishing(""), ErrorCode::conflict);
  EXPECT_EQ(publishing("no-such"), ErrorCode::not_found);
  const auto unbinding = [&] {
    return connected().channel()->unbind_exchange("amq.fanout", "amq.topic", "nobody's");
  };
  EXPECT_TRUE(unbinding());
  vhost_.allow(".*", "^$", ".*");
  EXPECT_EQ(publishing("amq.fanout"), ErrorCode::refused);
  EXPECT_EQ(publishing(""), ErrorCode::refused);
  EXPECT_EQ(unbinding().error().code, ErrorCode::refused);
  EXPECT_EQ(vhost_.bodies(), "") << "nothing was published";
  EXPECT_EQ(vhost_.bindings().size(), 1u);
}

TEST_F(AmqpOnRabbit, AServerThatIsKilledIsAnErrorAndWhatWasConfirmedIsThereAfterwards) {
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  auto messages = numbered(20);
  for (auto& message : messages) message.properties = std::string("\x10\x00\x02", 3);
  ASSERT_TRUE(channel.publish(messages)) << "delivery mode 2: to be kept on disk";
  vhost_.node().kill();
  const auto looked = channel.look("orders");
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code, ErrorCode::failed) << looked.error().text;
  EXPECT_FALSE(connection.channel());
  vhost_.node().start();
  EXPECT_EQ(vhost_.messages().size(), 20u);
}

TEST_F(AmqpOnRabbit, AStopEndsWhatIsUnderWayAndADeadlineToo) {
  Amqp connection = connected();
  AmqpChannel channel = connection.channel().value();
  stop_.request();
  (void)world_.clock().sleep({{}, world_.clock().in(20ms)});
  EXPECT_EQ(channel.look("orders").error().code, ErrorCode::stopped);
  stop_ = StopSource();
  Amqp brief = connected(500ms);
  AmqpChannel late = brief.channel().value();
  (void)world_.clock().sleep({{}, world_.clock().in(600ms)});
  EXPECT_EQ(late.look("orders").error().code, ErrorCode::timed_out);
}

}  // namespace
}  // namespace gameday
