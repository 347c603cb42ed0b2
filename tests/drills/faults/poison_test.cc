#include "tests/drills/deed_world.h"
#include "tests/drills/shop_queue.h"

namespace gameday {

extern const FaultRow poison_fault;

namespace {

using Keys = std::vector<std::string>;

class PoisonTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_target("orders", "queue", Json::object({{"url", queue_.url()}}));
    queue_.publish({"d-1"});
  }
  Undo prepared(const std::string& mark = "drill-1") {
    return poison_fault.prepare(deed_, world_.context(mark)).value();
  }
  void inject(const Undo& undo) {
    const auto done = poison_fault.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  Proof proof(const Undo& undo) {
    return poison_fault.prove(deed_, undo, world_.context()).value();
  }
  bool gone(const Undo& undo) { return poison_fault.gone(undo, world_.context()).value().held; }
  Status undone(const Undo& undo) { return poison_fault.undo(undo, world_.context()); }
  // As a consumer that finds out that it cannot work on them.
  void lease_and(const char* what) {
    const auto leased = queue_.ask("POST", "/lease", Json::object({{"max", 10}}));
    ASSERT_TRUE(leased);
    Json leases = Json::array();
    for (const Json& message : leased->items("messages")) {
      if (message.find("raw") != nullptr) leases.push(message.get("lease"));
    }
    ASSERT_EQ(leases.items().size(), 2u);
    if (what != nullptr) {
      ASSERT_TRUE(queue_.ask("POST", what, Json::object({{"leases", leases}})));
    }
  }

  DeedWorld world_;
  ShopQueue queue_{world_};
  Deed deed_{.id = "poisoned",
             .kind = "poison",
             .target = "orders",
             .arguments = Json::object({{"count", 2}, {"body", "<no order>"}})};
};

TEST_F(PoisonTest, PutsThemInAndRemovesExactlyThose) {
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(queue_.keys().size(), 3u);
  EXPECT_EQ(queue_.ask("GET", "/messages")->items("messages")[1].text("raw"), "<no order>");
  EXPECT_TRUE(proof(undo).held);
  EXPECT_FALSE(gone(undo));
  const Undo other = prepared("drill-2");
  inject(other);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_FALSE(gone(other)) << "another deed's stay";
  ASSERT_TRUE(undone(other));
  EXPECT_EQ(queue_.keys(), Keys{"d-1"});
}

TEST_F(PoisonTest, TheyAreFoundWhereverTheyHaveGot) {
  const Undo undo = prepared();
  inject(undo);
  lease_and(nullptr);
  EXPECT_EQ(proof(undo).facts.integer("out", 0), 2);
  EXPECT_TRUE(proof(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

TEST_F(PoisonTest, GivenUpAfterTheThirdTimeTheyAreStillRemoved) {
  const Undo undo = prepared();
  inject(undo);
  for (int time = 0; time < 3; ++time) {
    EXPECT_EQ(proof(undo).facts.integer("dead", -1), 0) << "after " << time << " times";
    lease_and("/reject");
  }
  EXPECT_EQ(proof(undo).facts.integer("dead", 0), 2);
  EXPECT_TRUE(proof(undo).held);
  EXPECT_FALSE(gone(undo));
  EXPECT_EQ(queue_.ask("GET", "")->integer("messages", 0), 1) << "they wait no more";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

// A consumer that takes it for an order and confirms it.
TEST_F(PoisonTest, ConfirmedOnesAreNotDeliveredAgainByAReplay) {
  const Undo undo = prepared();
  inject(undo);
  lease_and("/ack");
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(undone(undo));
  ASSERT_TRUE(queue_.ask("POST", "/replay", Json::object({{"since", 0}})));
  EXPECT_TRUE(gone(undo));
}

TEST_F(PoisonTest, NobodyElseCanPublishThem) {
  const auto body = Json::parse(R"({"messages":[{"key":"raw-1","item":"a","sum":"b"}]})");
  EXPECT_FALSE(queue_.ask("POST", "/publish", *body));
  const auto raw = Json::parse(R"({"messages":[{"key":"raw-1","raw":"a","mark":"b"}]})");
  EXPECT_FALSE(queue_.ask("POST", "/publish", *raw));
}

TEST_F(PoisonTest, UndoneTwiceOrWithoutInjectionNothingHappens) {
  const Undo undo = undo_from(Json::parse(to_json(prepared()).dump()).value()).value();
  world_.system().targets.clear();
  for (int time = 0; time < 2; ++time) {
    EXPECT_TRUE(undone(undo));
    EXPECT_TRUE(gone(undo));
  }
  EXPECT_EQ(queue_.keys(), Keys{"d-1"});
}

// The deed was stopped, and its request reaches the server after its undo has.
TEST_F(PoisonTest, WhatArrivesLateIsNotTaken) {
  const Undo undo = prepared();
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(poison_fault.inject(deed_, undo, world_.context()));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), Keys{"d-1"});
}

TEST_F(PoisonTest, WithTheQueueTheyAreGone) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

TEST_F(PoisonTest, AQueueThatIsNotThereOrAServerThatIsDownIsAnError) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  EXPECT_EQ(poison_fault.prepare(deed_, world_.context()).error().code, ErrorCode::not_found);
  queue_.end();
  EXPECT_FALSE(undone(undo));
  EXPECT_FALSE(poison_fault.gone(undo, world_.context()));
  EXPECT_FALSE(poison_fault.prove(deed_, undo, world_.context()));
}

}  // namespace
}  // namespace gameday
