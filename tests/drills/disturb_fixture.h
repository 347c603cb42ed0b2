// One of the faults that disturb a queue, on the sample system's own queue.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/disturbance.h"
#include "tests/drills/shop_queue.h"

namespace gameday {

class DisturbFixture : public testing::Test {
 protected:
  using Keys = std::vector<std::string>;

  explicit DisturbFixture(const FaultRow& row, const Json& arguments) : row_(row) {
    world_.add_target("orders", "queue", Json::object({{"url", queue_.url()}}));
    deed_ = {.id = "disturbed",
             .kind = std::string(row.name),
             .target = "orders",
             .arguments = arguments};
    deed_.arguments.set("within", "50ms");
  }
  Undo prepared(const std::string& mark = "drill-1") {
    return row_.prepare(deed_, world_.context(mark)).value();
  }
  void inject(const Undo& undo) {
    const auto done = row_.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  Proof proof(const Undo& undo) { return row_.prove(deed_, undo, world_.context()).value(); }
  Proof gone(const Undo& undo) { return row_.gone(undo, world_.context()).value(); }
  Status undone(const Undo& undo) { return row_.undo(undo, world_.context()); }

  const FaultRow& row_;
  DeedWorld world_;
  ShopQueue queue_{world_};
  Deed deed_;
};

// What holds for each of them. An empty queue to begin with.
inline void expect_says_no(const FaultRow& row, const Deed& deed, DeedWorld& world,
                           ShopQueue& queue) {
  const auto context = [&] { return world.context("drill-no"); };
  const Undo undo = row.prepare(deed, context()).value();
  ASSERT_TRUE(row.inject(deed, undo, context())) << "nothing to hit is told by the proof";
  EXPECT_FALSE(row.prove(deed, undo, context())->held) << "it has hit nobody";
  EXPECT_FALSE(row.gone(undo, context())->held);
  ASSERT_TRUE(row.undo(undo, context()));
  EXPECT_TRUE(row.gone(undo, context())->held);
  EXPECT_FALSE(row.inject(deed, undo, context())) << "a request that comes late is refused";
  EXPECT_TRUE(row.gone(undo, context())->held);
  EXPECT_FALSE(row.gone(Undo{undo.kind, Json::object()}, context())) << "an undo without its url";

  const Undo second = row.prepare(deed, world.context("drill-no-2")).value();
  ASSERT_TRUE(row.inject(deed, second, context()));
  ASSERT_TRUE(queue.ask("DELETE", ""));
  EXPECT_EQ(row.prepare(deed, context()).error().code, ErrorCode::not_found);
  EXPECT_TRUE(row.gone(second, context())->held) << "with the queue it has gone";
  ASSERT_TRUE(queue.ask("PUT", ""));
  queue.publish({"n-1", "n-2"});
  EXPECT_EQ(queue.consume_all(), (std::vector<std::string>{"n-1", "n-2"}));
  queue.end();
  EXPECT_FALSE(row.undo(second, context()));
  EXPECT_FALSE(row.gone(second, context()));
  EXPECT_FALSE(row.prove(deed, second, context()));
}

}  // namespace gameday
