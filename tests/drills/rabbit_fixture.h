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
    // Counted from when the node is up, which may take its time.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(5))});
  }
  void SetUp() override {
    for (const char* body : {"a", "b", "c"}) vhost_.publish(body);
  }

  // With exactly these rights it may, and without any one of them it is told so.
  using Names = std::vector<std::string>;
  void expect_needs(const Names& configure, const Names& write, const Names& read) {
    const Names* const lists[] = {&configure, &write, &read};
    const auto may_without = [&](const std::string* taken) {
      std::string patterns[3];
      for (int list = 0; list < 3; ++list) {
        for (const auto& name : *lists[list]) {
          if (&name != taken) patterns[list] += (patterns[list].empty() ? "" : "|") + name;
        }
        patterns[list] = "^(" + patterns[list] + ")$";
      }
      vhost_.allow(patterns[0], patterns[1], patterns[2]);
      return row_.may(deed_, world_.context());
    };
    for (const auto* list : lists) {
      for (const auto& name : *list) {
        const auto may = may_without(&name);
        ASSERT_FALSE(may) << "it may without " << name;
        EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
      }
    }
    const auto may = may_without(nullptr);
    EXPECT_TRUE(may) << may.error().text;
    EXPECT_EQ(vhost_.bodies(), "a b c") << "looking has touched something";
    EXPECT_EQ(vhost_.marks(), "");
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
