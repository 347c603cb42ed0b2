#include "tests/drills/deed_world.h"
#include "tests/drills/shop_queue.h"

namespace gameday {

extern const FaultRow drop_queue_fault;

namespace {

using Keys = std::vector<std::string>;

class DropQueueTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.add_target("orders", "queue", Json::object({{"url", queue_.url()}}));
    queue_.publish({"d-1", "d-2", "d-3"});
  }
  Undo prepared(bool restore_messages = true) {
    Deed deed = deed_;
    deed.arguments.set("restore_messages", restore_messages);
    return drop_queue_fault.prepare(deed, world_.context()).value();
  }
  void inject(const Undo& undo) {
    const auto done = drop_queue_fault.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  Status undone(const Undo& undo) { return drop_queue_fault.undo(undo, world_.context()); }
  bool bitten(const Undo& undo) {
    return drop_queue_fault.prove(deed_, undo, world_.context()).value().held;
  }
  bool gone(const Undo& undo) { return drop_queue_fault.gone(undo, world_.context()).value().held; }
  std::int64_t retained() { return queue_.ask("GET", "")->integer("retained", -1); }

  DeedWorld world_;
  ShopQueue queue_{world_};
  Deed deed_{.id = "drop", .kind = "drop-queue", .target = "orders", .arguments = Json::object()};
};

TEST_F(DropQueueTest, DropsTheQueueAndPutsBackWhatWasInIt) {
  queue_.consume_one();
  const Undo undo = prepared();
  EXPECT_EQ(queue_.keys(), (Keys{"d-2", "d-3"})) << "preparing must change nothing";
  EXPECT_FALSE(bitten(undo));
  inject(undo);
  EXPECT_TRUE(bitten(undo));
  EXPECT_FALSE(gone(undo));
  EXPECT_FALSE(queue_.ask("GET", ""));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-2", "d-3"}));
  EXPECT_EQ(retained(), 1) << "what the queue kept for replay is back too";
}

TEST_F(DropQueueTest, WhatCameSinceStays) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(queue_.ask("PUT", ""));
  EXPECT_TRUE(bitten(undo)) << "a queue that was made anew is not the one that was dropped";
  queue_.publish({"d-4", "d-2"});
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-4", "d-2", "d-1", "d-3"})) << "each key once";
  EXPECT_TRUE(gone(undo));
}

TEST_F(DropQueueTest, UndoingTwiceDeliversNothingAgain) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(undone(undo));
  for (int i = 0; i < 3; ++i) queue_.consume_one();
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), Keys{});
  EXPECT_TRUE(gone(undo));
}

TEST_F(DropQueueTest, UndoWithoutInjectHarmsNothing) {
  const Undo undo = undo_from(Json::parse(to_json(prepared()).dump()).value()).value();
  world_.system().targets.clear();
  queue_.publish({"d-4"});
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3", "d-4"}));
}

TEST_F(DropQueueTest, WithoutRestoringMessagesOnlyTheQueueComesBack) {
  const Undo undo = prepared(false);
  inject(undo);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(queue_.keys(), Keys{});
}

// The answer of the drop never arrives: what came after the list is fetched from the server.
TEST_F(DropQueueTest, ALostAnswerIsAskedForAgain) {
  const Undo undo = prepared();
  inject(undo);
  const std::string saved = undo.arguments.text("saved");
  auto before_the_drop = Json::parse(world_.doors().files.read(saved).value()).value();
  before_the_drop.set("complete", false);
  before_the_drop.set("messages", Json::array());
  ASSERT_TRUE(world_.doors().files.write(saved, before_the_drop.dump()));
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"}));
}

TEST_F(DropQueueTest, AMissingSavedFileIsNoSuccess) {
  const Undo undo = prepared();
  inject(undo);
  std::filesystem::remove(undo.arguments.text("saved"));
  EXPECT_EQ(undone(undo).error().code, ErrorCode::not_found);
  EXPECT_FALSE(drop_queue_fault.gone(undo, world_.context()));
}

TEST_F(DropQueueTest, DyingAtAnyWriteLosesNoMessage) {
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
      static_cast<void>(drop_queue_fault.inject(deed_, undo, context));
    });
    for (int time = 0; time < 2; ++time) {
      ASSERT_TRUE(undone(undo)) << "point " << points;
      ASSERT_TRUE(gone(undo)) << "point " << points;
      ASSERT_EQ(queue_.keys(), (Keys{"d-1", "d-2", "d-3"})) << "point " << points;
    }
    ASSERT_TRUE(drop_queue_fault.close(undo, false, world_.context()));
    ASSERT_FALSE(std::filesystem::exists(undo.arguments.text("saved")));
  }
  EXPECT_GE(points, 7);
}

TEST_F(DropQueueTest, AQueueThatIsNotThereIsNotStartedOn) {
  ASSERT_TRUE(queue_.ask("DELETE", ""));
  EXPECT_EQ(drop_queue_fault.prepare(deed_, world_.context()).error().code, ErrorCode::not_found);
}

TEST_F(DropQueueTest, AServerThatIsDownIsAnErrorAndNotAnEmptyQueue) {
  const Undo undo = prepared();
  inject(undo);
  queue_.end();
  EXPECT_FALSE(undone(undo));
  EXPECT_FALSE(drop_queue_fault.gone(undo, world_.context()));
  EXPECT_FALSE(drop_queue_fault.prove(deed_, undo, world_.context()));
}

}  // namespace
}  // namespace gameday
