// A target that is a container, and a fault's functions on it.
#pragma once

#include "drills/systems/container_held.h"
#include "tests/drills/docker_fixture.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

class ContainerFixture : public testing::Test {
 protected:
  explicit ContainerFixture(const FaultRow& row) : row_(row) {
    (void)TestEngine::host();
    // An engine on a busy machine takes its time.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(2))});
    std::filesystem::create_directories(world_.private_folder());
  }
  void aim_at(const TestContainer& container) {
    world_.system().targets.clear();
    world_.add_target("cache", "container", Json::object({{"name", container.name()}}));
  }
  Deed deed(Json arguments = Json::object()) const {
    return {"fault-1", std::string(row_.name), "cache", std::move(arguments)};
  }
  Undo prepared(const Deed& deed) {
    auto undo = row_.prepare(deed, world_.context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  // Prepared and injected.
  Undo injected(const Deed& deed) {
    Undo undo = prepared(deed);
    const auto done = row_.inject(deed, undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo;
  }
  Proof proof(const Undo& undo) {
    const auto seen = row_.prove(deed(), undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    const auto seen = row_.gone(undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  void expect_undone(const Undo& undo) {
    const auto done = row_.undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    const Proof seen = gone(undo);
    EXPECT_TRUE(seen.held) << seen.text;
  }
  // What was given to it, in place of a silent engine: the undo as another process reads it.
  static Undo again(const Undo& undo) {
    return undo_from(Json::parse(to_json(undo).dump()).value()).value();
  }

  const FaultRow& row_;
  DeedWorld world_;
};

}  // namespace gameday
