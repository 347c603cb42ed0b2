#include "tests/drills/deed_world.h"
#include "tests/drills/shop_queue.h"

namespace gameday {

extern const FaultRow purge_queue_fault;

namespace {

using Keys = std::vector<std::string>;

class PurgeQueueTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_target("orders", "queue", Json::object({{"url", queue_.url()}}));
    queue_.publish({"d-1", "d-2", "d-3"});
  }
  Undo prepared() { return purge_queue_fault.prepare(deed_, world_.context()).value(); }
  void inject(const Undo& undo) {
    const auto done = purge_queue_fault.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  Status undone(const Undo& undo) { return purge_queue_fault.undo(undo, world_.context()); }
  Proof proof(const Undo& undo) {
    return purge_queue_fault.prove(deed_, undo, world_.context()).value();
  }
  bool gone(const Undo& undo) {
    return purge_queue_fault.gone(undo, world_.context()).value().held;
  }
  // As whoever comes later sees it: our own file is not there.
  bool server_remembers() { return queue_.ask("GET", "/purged?mark=drill-1").has_value(); }

  DeedWorld world_;
  ShopQueue queue_{world_};
  Deed deed_{.id = "purge",
             .kind = "purge-queue",
             .target = "orders",
             .arguments = Json::object({{"within", "50ms"}})};
};

TEST_F(PurgeQueueTest, TakesOutWhatWaitsAndPutsItBack) {
  const std::string incarnation = queue_.ask("GET", "")->text("incarnation");
  const Undo undo = prepared();
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"})) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_EQ(queue_.keys(), Keys{});
  EXPECT_EQ(queue_.ask("GET", "")->text("incarnation"), incarnation) << "the queue stays";
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).facts.integer("purged", 0), 3);
  EXPECT_FALSE(gone(undo));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"}));
}

TEST_F(PurgeQueueTest, WhatIsOutForDeliveryStaysOut) {
  const auto leased = queue_.ask("POST", "/lease", Json::object({{"max", 1}}));
  ASSERT_TRUE(leased);
  const Undo undo = prepared();
  inject(undo);
  EXPECT_EQ(queue_.keys(), Keys{"d-1"});
  EXPECT_TRUE(proof(undo).held);
  Json leases = Json::array();
  leases.push(leased->items("messages")[0].get("lease"));
  EXPECT_EQ(queue_.ask("POST", "/ack", Json::object({{"leases", leases}}))->integer("acked", 0), 1)
      << "whoever works on it can still confirm it";
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-2", "d-3"}));
}

TEST_F(PurgeQueueTest, WhatCameSinceStaysAndNothingIsThereTwice) {
  const Undo undo = prepared();
  inject(undo);
  queue_.publish({"d-4", "d-2"});
  EXPECT_TRUE(proof(undo).held) << "an order that was sent again is another message";
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-4", "d-2", "d-1", "d-3"}));
  EXPECT_TRUE(gone(undo));
}

TEST_F(PurgeQueueTest, WhatWasDeletedMeanwhileStaysDeleted) {
  queue_.publish({"e-1"});
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(queue_.ask("DELETE", "/messages?drill=d"));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), Keys{"e-1"});
}

TEST_F(PurgeQueueTest, AnEmptyQueueWasNotPurged) {
  for (int i = 0; i < 3; ++i) queue_.consume_one();
  const Undo undo = prepared();
  inject(undo);
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("empty"), std::string::npos);
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
}

TEST_F(PurgeQueueTest, WaitsForSomethingToTakeOut) {
  for (int i = 0; i < 3; ++i) queue_.consume_one();
  deed_.arguments.set("within", "10s");
  const Undo undo = prepared();
  std::jthread later([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(100))});
    DeedWorld other;
    (void)ask_queue(
        queue_.url(),
        {.method = "POST",
         .path = "/publish",
         .body = Json::parse(R"({"messages":[{"key":"d-9","item":"a","sum":"b"}]})").value()},
        other.context());
  });
  const Instant begun = world_.clock().now().boot;
  inject(undo);
  EXPECT_LT(world_.clock().now().boot - begun, std::chrono::seconds(5));
  EXPECT_TRUE(proof(undo).held);
}

TEST_F(PurgeQueueTest, UndoingTwiceDeliversNothingAgain) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(undone(undo));
  for (int i = 0; i < 3; ++i) queue_.consume_one();
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), Keys{});
  EXPECT_TRUE(gone(undo));
}

TEST_F(PurgeQueueTest, UndoWithoutInjectHarmsNothing) {
  const Undo undo = undo_from(Json::parse(to_json(prepared()).dump()).value()).value();
  world_.system().targets.clear();
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"}));
}

TEST_F(PurgeQueueTest, AQueueThatWasDroppedSinceIsNotOneWithItsMessagesBack) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  EXPECT_FALSE(undone(undo));
  EXPECT_FALSE(gone(undo));
  ASSERT_TRUE(queue_.ask("PUT", ""));
  EXPECT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"}));
}

// Neither the server's memory nor our file is needed while the other is there.
TEST_F(PurgeQueueTest, EitherCopyIsEnough) {
  const Undo undo = prepared();
  inject(undo);
  std::filesystem::remove(undo.arguments.text("saved"));
  EXPECT_FALSE(gone(undo));
  ASSERT_TRUE(queue_.ask("DELETE", "/purged?mark=drill-1"));
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"}));
}

TEST_F(PurgeQueueTest, DyingAtAnyWriteLosesNoMessage) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = world_.dies_at(points, [&] {
      // The child's own door to HTTP: connections are not shared over a fork.
      const auto http = make_curl_http(world_.clock(), world_.doors().observer);
      const Doors doors{world_.clock(), world_.doors().files, world_.doors().processes, *http,
                        world_.doors().observer};
      const System system;
      const Secrets secrets;
      const DeedContext context{.doors = doors,
                                .system = system,
                                .secrets = secrets,
                                .drill = "drill",
                                .mark = "drill-1",
                                .private_folder = world_.private_folder(),
                                .until = world_.context().until};
      static_cast<void>(purge_queue_fault.inject(deed_, undo, context));
    });
    for (int time = 0; time < 2; ++time) {
      ASSERT_TRUE(undone(undo)) << "point " << points;
      ASSERT_TRUE(gone(undo)) << "point " << points;
      ASSERT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"})) << "point " << points;
    }
    ASSERT_TRUE(purge_queue_fault.close(undo, false, world_.context()));
    ASSERT_FALSE(std::filesystem::exists(undo.arguments.text("saved")));
    ASSERT_FALSE(server_remembers());
  }
  EXPECT_GE(points, 4);
}

TEST_F(PurgeQueueTest, WhatIsKeptStaysWithTheServerToo) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(purge_queue_fault.close(undo, true, world_.context()));
  EXPECT_TRUE(std::filesystem::exists(undo.arguments.text("saved")));
  EXPECT_TRUE(server_remembers());
}

TEST_F(PurgeQueueTest, AQueueThatIsNotThereIsNotStartedOn) {
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  EXPECT_EQ(purge_queue_fault.prepare(deed_, world_.context()).error().code, ErrorCode::not_found);
}

TEST_F(PurgeQueueTest, AServerThatIsDownIsAnErrorAndNotAnEmptyQueue) {
  const Undo undo = prepared();
  inject(undo);
  queue_.end();
  EXPECT_FALSE(undone(undo));
  EXPECT_FALSE(purge_queue_fault.gone(undo, world_.context()));
  EXPECT_FALSE(purge_queue_fault.prove(deed_, undo, world_.context()));
}

}  // namespace
}  // namespace gameday
