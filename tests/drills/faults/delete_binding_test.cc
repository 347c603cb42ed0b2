#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow delete_binding_fault;

namespace {

class DeleteBindingOnRabbit : public RabbitFixture {
 protected:
  DeleteBindingOnRabbit() : RabbitFixture(delete_binding_fault) {
    vhost_.bind("amq.topic", "order.*", Json::object());
    vhost_.bind("amq.headers", "", Json::object({{"x-match", "any"}, {"kind", "order"}}));
    deed_.arguments = Json::object({{"exchange", "amq.headers"}});
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^orders$", "^(amq\\.headers|gameday\\..*)$");
  }
  std::string bindings() { return Json(vhost_.bindings()).dump(); }
  void publish_by_header(const std::string& body, bool arrives) {
    vhost_.publish(body, Json::parse(R"({"headers": {"kind": "order"}})").value(), "amq.headers",
                   "", arrives);
  }
};

TEST_F(DeleteBindingOnRabbit, WhatIsPublishedThatWayArrivesNoMoreAndThenAgain) {
  const std::string before = bindings();
  const Undo undo = prepared();
  EXPECT_EQ(bindings(), before) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  publish_by_header("lost", false);
  vhost_.publish("by topic", Json::object(), "amq.topic", "order.new");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(bindings(), before);
  }
  publish_by_header("there", true);
  EXPECT_EQ(vhost_.bodies(), "a b c by topic there");
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(DeleteBindingOnRabbit, WhichOneMustBeClear) {
  const auto error_for = [&](const Json& arguments) {
    deed_.arguments = arguments;
    const auto undo = prepare();
    EXPECT_FALSE(undo) << arguments.dump();
    return undo ? Error{} : undo.error();
  };
  const Error both = error_for(Json::object());
  EXPECT_EQ(both.code, ErrorCode::invalid);
  EXPECT_NE(both.text.find("amq.topic by order.*"), std::string::npos) << both.text;
  EXPECT_EQ(error_for(Json::object({{"exchange", "amq.fanout"}})).code, ErrorCode::not_found);
  EXPECT_EQ(error_for(Json::object({{"routing_key", "other"}})).code, ErrorCode::not_found);
  deed_.arguments = Json::object({{"routing_key", "order.*"}});
  EXPECT_TRUE(prepare());
}

TEST_F(DeleteBindingOnRabbit, AnExchangeThatWouldGoWithItIsRefused) {
  vhost_.ask("PUT", "/exchanges/" + vhost_.path() + "/passing",
             Json::object({{"type", "fanout"}, {"auto_delete", true}}));
  vhost_.bind("passing", "", Json::object());
  vhost_.allow(".*", ".*", ".*");
  deed_.arguments = Json::object({{"exchange", "passing"}});
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::unsupported) << undo.error().text;
}

TEST_F(DeleteBindingOnRabbit, AQueueMadeAnewKeepsTheBindingsItWasGiven) {
  const Undo undo = injected();
  vhost_.drop("orders");
  EXPECT_FALSE(proof(undo).held);
  vhost_.make("orders");
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bindings().size(), 0u);
}

TEST_F(DeleteBindingOnRabbit, DyingAtAnyChangeLeavesTheWay) {
  const std::string before = bindings();
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = dies_at(points, [&](const DeedContext& context) {
      static_cast<void>(row_.inject(deed_, undo, context));
    });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    EXPECT_EQ(bindings(), before) << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
  }
  EXPECT_GE(points, 8);
}

TEST_F(DeleteBindingOnRabbit, DyingAtAnyChangeOfItsUndoItIsUndoneTheNextTime) {
  const std::string before = bindings();
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = injected();
    died = dies_at(
        points, [&](const DeedContext& context) { static_cast<void>(row_.undo(undo, context)); });
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << "point " << points;
    EXPECT_EQ(bindings(), before) << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
  }
  EXPECT_GE(points, 4);
}

TEST_F(DeleteBindingOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"orders"}, {"amq\\.headers", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
