#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const FaultRow pause_redis_fault;

namespace {

using namespace std::chrono_literals;

class PauseOnRedis : public RedisFaultTest {
 protected:
  PauseOnRedis() : RedisFaultTest(pause_redis_fault) {}
};

TEST_F(PauseOnRedis, WritesWaitAndReadsDoNot) {
  const Undo undo = prepared();
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(redis_.holds_writes());
  EXPECT_EQ(redis_.cli("GET a"), "1");
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_FALSE(redis_.holds_writes());
}

// It ends by itself, unless it is renewed.
TEST_F(PauseOnRedis, ALeaseHoldsIt) {
  const Undo undo = injected();
  const Instant begun = world_.clock().now().boot;
  const auto until = [&](Duration after) { (void)world_.clock().sleep({{}, begun + after}); };
  until(2500ms);
  ASSERT_TRUE(row_.renew(undo, context()));
  until(4500ms);
  EXPECT_TRUE(prove(undo).held) << "it was renewed";
  until(7s);
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
}

TEST_F(PauseOnRedis, APauseOfSomebodyElseIsNotEnded) {
  const Undo undo = prepared();
  redis_.cli("CLIENT PAUSE 20000 WRITE");
  expect_error(prepare("drill-2"), ErrorCode::conflict, "paused already");
  EXPECT_TRUE(undo_it(undo)) << "it was never injected";
  EXPECT_TRUE(redis_.holds_writes());
  EXPECT_TRUE(gone(undo).text.contains("by somebody else")) << gone(undo).text;
}

TEST_F(PauseOnRedis, AnotherServerIsNotTouched) {
  const Undo undo = injected();
  const RedisProcess other(world_.file("other"));
  other.cli("CLIENT PAUSE 20000 WRITE");
  expect_error(undo_it(elsewhere(undo, other)), ErrorCode::conflict, "another server");
  EXPECT_TRUE(other.holds_writes());
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
