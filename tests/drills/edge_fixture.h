// A fault of a row on the edge server, step by step.
#pragma once

#include "tests/drills/edge_server.h"

namespace gameday {

class EdgeFixture : public testing::Test {
 protected:
  explicit EdgeFixture(const FaultRow& row) : row_(row) {
    world_.add_target("edge", "process", Json::object({{"pidfile", edge_.pidfile()}}));
  }
  Result<Undo> prepare() { return row_.prepare(deed_, world_.context()); }
  Undo prepared() {
    auto undo = prepare();
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Undo injected() {
    const Undo undo = prepared();
    const auto done = row_.inject(deed_, undo, world_.context());
    EXPECT_TRUE(done) << done.error().text;
    return undo;
  }
  Proof proof(const Undo& undo) { return row_.prove(deed_, undo, world_.context()).value(); }
  Proof gone(const Undo& undo) { return row_.gone(undo, world_.context()).value(); }
  Status undone(const Undo& undo) { return row_.undo(undo, world_.context()); }

  const FaultRow& row_;
  DeedWorld world_;
  EdgeServer edge_{world_};
  Deed deed_;
};

}  // namespace gameday
