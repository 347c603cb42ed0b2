#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow overflow_dead_letters_fault;

namespace {

class OverflowOnRabbit : public RabbitFixture {
 protected:
  OverflowOnRabbit() : RabbitFixture(overflow_dead_letters_fault) {
    deed_.arguments = Json::object({{"count", 5}});
    make_dead("drop-head");
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^(dead|gameday\\..*|amq\\.default)$", "^(dead|gameday\\..*)$");
  }
  void make_dead(const std::string& overflow) {
    vhost_.drop("dead");
    vhost_.make("dead", Json::object({{"x-max-length", 5}, {"x-overflow", overflow}}));
    for (const char* body : {"d1", "d2"}) publish_dead(body);
  }
  void publish_dead(const std::string& body) {
    vhost_.publish(body, Json::object(), "amq.default", "dead");
  }
};

TEST_F(OverflowOnRabbit, AsFullAsItMayBeUntilTheEnd) {
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.messages("dead").size(), 5u);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  publish_dead("since");
  EXPECT_EQ(vhost_.messages("dead").size(), 5u) << "a filler was pushed out";
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies("dead"), "since d1 d2");
  }
  EXPECT_EQ(vhost_.bodies(), "a b c");
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(OverflowOnRabbit, OneThatRefusesMoreDoesSo) {
  make_dead("reject-publish");
  const Undo undo = injected();
  EXPECT_NE(proof(undo).text.find("one more is refused"), std::string::npos) << proof(undo).text;
  auto connection = connected();
  const AmqpMessage message{"lost", "", "", "dead"};
  const auto refused = connection.channel()->publish(std::span(&message, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict) << refused.error().text;
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies("dead"), "d1 d2");
}

TEST_F(OverflowOnRabbit, WhatHasComeSinceIsNotPushedOut) {
  const Undo undo = injected();
  for (const char* body : {"s1", "s2", "s3", "s4"}) publish_dead(body);
  const auto undone = row_.undo(undo, world_.context());
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error().code, ErrorCode::conflict) << undone.error().text;
  EXPECT_NE(undone.error().text.find(undo.arguments.text("saved")), std::string::npos);
  EXPECT_FALSE(gone(undo).held);
}

TEST_F(OverflowOnRabbit, ALimitBeyondTheCountIsRefusedAndNoneNeedsNone) {
  deed_.arguments.set("count", 4);
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::refused) << undo.error().text;
  vhost_.drop("dead");
  vhost_.make("dead");
  const Undo without = injected();
  EXPECT_EQ(vhost_.messages("dead").size(), 4u);
  EXPECT_TRUE(proof(without).held) << proof(without).text;
  undo_it(without);
  EXPECT_EQ(vhost_.bodies("dead"), "");
}

TEST_F(OverflowOnRabbit, DyingAtAnyChangeLosesNone) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = dies_at(points, [&](const DeedContext& context) {
      static_cast<void>(row_.inject(deed_, undo, context));
    });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    EXPECT_EQ(vhost_.bodies("dead"), "d1 d2") << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
  }
  EXPECT_GE(points, 10);
}

TEST_F(OverflowOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"dead", "gameday\\..*", "amq\\.default"},
               {"dead", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
