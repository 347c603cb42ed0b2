#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow expire_rabbitmq_messages_fault;

namespace {

class ExpireOnRabbit : public RabbitFixture {
 protected:
  ExpireOnRabbit() : RabbitFixture(expire_rabbitmq_messages_fault) {
    vhost_.make("dead");
    deed_.arguments = Json::object({{"count", 2}, {"within", "1s"}});
    // No right more than its row says.
    vhost_.allow("^gameday\\..*$", "^(orders|gameday\\..*|amq\\.default)$",
                 "^(orders|dead|gameday\\..*)$");
  }
  void give_it_dead_letters() {
    vhost_.drop("orders");
    vhost_.make("orders", Json::parse(R"({"x-dead-letter-exchange": "",
                                          "x-dead-letter-routing-key": "dead"})")
                              .value());
    SetUp();
  }
};

TEST_F(ExpireOnRabbit, WithoutAWayForTheDeadTheyAreGoneAndThenBack) {
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(vhost_.bodies(), "c");
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  for (int twice = 0; twice < 2; ++twice) {
    undo_it(undo);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(vhost_.bodies(), "c a b");
  }
  EXPECT_EQ(vhost_.marks(), "");
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_EQ(private_files(), "");
}

TEST_F(ExpireOnRabbit, TheyBecomeDeadLettersThatTheServerSaysHaveExpired) {
  give_it_dead_letters();
  const Undo undo = injected();
  EXPECT_EQ(vhost_.bodies(), "c");
  vhost_.node().wait_until([&] { return vhost_.bodies("dead") == "a b"; });
  EXPECT_EQ(vhost_.bodies("dead"), "a b");
  const auto dead = vhost_.messages("dead");
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(dead[0].get("properties").get("headers").items("x-death")[0].text("reason"), "expired");
  EXPECT_EQ(proof(undo).facts.integer("dead", 0), 2) << proof(undo).text;
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_EQ(vhost_.bodies(), "c a b");
  EXPECT_EQ(vhost_.bodies("dead"), "");
}

TEST_F(ExpireOnRabbit, DeadLettersThatCouldNotBeFoundAgainAreRefused) {
  give_it_dead_letters();
  Json facet = vhost_.facet();
  facet.erase("dead_letters");
  world_.system().targets.front().facets = Json::object({{"rabbitmq", facet}});
  const auto undo = prepare();
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::unsupported) << undo.error().text;
}

TEST_F(ExpireOnRabbit, DyingAtAnyChangeLosesNone) {
  give_it_dead_letters();
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
    EXPECT_EQ(vhost_.bodies("dead"), "") << "point " << points;
    EXPECT_EQ(vhost_.marks(), "") << "point " << points;
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
    vhost_.node().ask("DELETE", "/queues/" + vhost_.path() + "/orders/contents");
    SetUp();
  }
  EXPECT_GE(points, 10);
}

TEST_F(ExpireOnRabbit, NeedsTheseRightsAndNoOther) {
  expect_needs({"gameday\\..*"}, {"orders", "gameday\\..*", "amq\\.default"},
               {"orders", "dead", "gameday\\..*"});
  undo_it(injected());
}

}  // namespace
}  // namespace gameday
