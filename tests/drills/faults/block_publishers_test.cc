#include <thread>

#include "tests/drills/rabbit_fixture.h"

namespace gameday {

extern const FaultRow block_publishers_fault;

namespace {

class BlockPublishersOnRabbit : public RabbitFixture {
 protected:
  BlockPublishersOnRabbit() : RabbitFixture(block_publishers_fault) {
    deed_.arguments = Json::object({{"by", "memory"}});
  }
  // By AMQP, as clients do.
  bool can_publish(Duration within) {
    DeedContext context = world_.context();
    context.until = {{}, world_.clock().in(within)};
    const auto queue = rabbit_queue_of(world_.system().targets.front());
    auto connection = open_rabbit(*queue, context, "publisher");
    if (!connection) return false;
    const AmqpMessage message{"d", "", "", "orders"};
    return connection->channel()->publish(std::span(&message, 1)).has_value();
  }
  std::string watermark() {
    const auto told =
        world_.doors().processes.run({{vhost_.node().control(), "-q", "eval",
                                       "{vm_memory_monitor:get_vm_memory_high_watermark(), "
                                       "rabbit_disk_monitor:get_disk_free_limit()}."},
                                      "/",
                                      {}},
                                     world_.context().until);
    return told ? told->output : told.error().text;
  }
  void blocks_and_lets_go() {
    // No right more than its row says.
    vhost_.allow("^$", "^amq\\.default$", "^$");
    const std::string before = watermark();
    const Undo undo = prepared();
    EXPECT_FALSE(proof(undo).held) << proof(undo).text;
    inject(undo);
    EXPECT_NE(watermark(), before);
    std::jthread publisher([&] { EXPECT_TRUE(can_publish(std::chrono::minutes(4))); });
    EXPECT_FALSE(can_publish(std::chrono::seconds(2)));
    const Proof held = proof(undo);
    EXPECT_TRUE(held.held) << held.text;
    EXPECT_NE(held.facts.text("blocked"), "0") << held.text;
    EXPECT_FALSE(gone(undo).held);
    for (int twice = 0; twice < 2; ++twice) {
      undo_it(undo);
      EXPECT_TRUE(gone(undo).held) << gone(undo).text;
      EXPECT_EQ(watermark(), before);
    }
    publisher.join();
    EXPECT_TRUE(can_publish(std::chrono::minutes(1)));
    ASSERT_TRUE(row_.close(undo, false, world_.context()));
    EXPECT_EQ(private_files(), "");
  }
};

TEST_F(BlockPublishersOnRabbit, ByMemoryTheyWaitAndGoOnAfterwards) { blocks_and_lets_go(); }

TEST_F(BlockPublishersOnRabbit, ByDiskTheyWaitAndGoOnAfterwards) {
  deed_.arguments = Json::object({{"by", "disk"}});
  blocks_and_lets_go();
}

TEST_F(BlockPublishersOnRabbit, AWatermarkThatSomebodyElseHasSetStays) {
  const Undo undo = injected();
  const auto tell = [&](const std::vector<std::string>& words) {
    std::vector<std::string> argv = {vhost_.node().control(), "-q", "set_vm_memory_high_watermark"};
    argv.insert(argv.end(), words.begin(), words.end());
    return world_.doors().processes.run({argv, "/", {}}, world_.context().until)->succeeded();
  };
  ASSERT_TRUE(tell({"0.5"}));
  undo_it(undo);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  EXPECT_NE(watermark().find("0.5"), std::string::npos) << watermark();
  ASSERT_TRUE(tell({"absolute", "2000000000"}));
  const Undo of_absolute = prepared();
  inject(of_absolute);
  undo_it(of_absolute);
  EXPECT_NE(watermark().find("{absolute,2000000000}"), std::string::npos) << watermark();
  ASSERT_TRUE(tell({"0.4"}));
}

}  // namespace
}  // namespace gameday
