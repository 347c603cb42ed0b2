// A fault of a row on a queue of a real RabbitMQ server, step by step.
#pragma once

#include <functional>

#include "drills/systems/rabbitmq.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {

class RabbitFixture : public testing::Test {
 protected:
  explicit RabbitFixture(const FaultRow& row) : row_(row) {
    world_.add_target("jobs", "rabbitmq", vhost_.facet());
    deed_.target = "jobs";
    deed_.kind = row.name;
  }
  void SetUp() override {
    for (const char* body : {"a", "b", "c"}) vhost_.publish(body);
  }

  Result<Undo> prepare() { return row_.prepare(deed_, world_.context()); }
  Undo prepared() {
    auto undo = prepare();
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  void inject(const Undo& undo) {
    const auto done = row_.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  Undo injected() {
    const Undo undo = prepared();
    inject(undo);
    return undo;
  }
  Proof proof(const Undo& undo) {
    auto seen = row_.prove(deed_, undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    auto seen = row_.gone(undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  void undo_it(const Undo& undo) {
    const auto done = row_.undo(undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  // Dies in a child, at the given change to the world: false once there are fewer.
  bool dies_at(int change, const std::function<void(const DeedContext&)>& work) {
    return world_.dies_at(change, [&] {
      // The child's own door to HTTP: connections are not shared over a fork.
      const auto http = make_curl_http(world_.clock(), world_.doors().observer);
      const Doors doors{world_.clock(), world_.doors().files, world_.doors().processes, *http,
                        world_.doors().observer};
      const System system;
      const Secrets secrets;
      work({.doors = doors,
            .system = system,
            .secrets = secrets,
            .drill = "drill",
            .mark = "drill-1",
            .private_folder = world_.private_folder(),
            .until = world_.context().until});
    });
  }
  // A consumer that holds one message and does not acknowledge it.
  Amqp holder() {
    Amqp connection = connected();
    auto channel = connection.channel().value();
    EXPECT_TRUE(channel.get("orders").value());
    return connection;
  }
  Amqp connected(const std::string& name = "somebody") {
    const auto queue = rabbit_queue_of(world_.system().targets.front());
    return open_rabbit(*queue, world_.context(), name).value();
  }
  std::string private_files() {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(world_.private_folder())) {
      all += entry.path().filename().string() + " ";
    }
    return all;
  }

  const FaultRow& row_;
  DeedWorld world_;
  RabbitVhost vhost_;
  Deed deed_;
};

}  // namespace gameday
