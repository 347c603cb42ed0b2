#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const FaultRow read_only_fault;

namespace {

class ReadOnlyOnRedis : public RedisFaultTest {
 protected:
  ReadOnlyOnRedis() : RedisFaultTest(read_only_fault) {}
  std::string setting() const {
    return redis_.shell("redis-cli -s " + redis_.socket() +
                        " --raw CONFIG GET min-replicas-to-write | tail -n 1");
  }
};

TEST_F(ReadOnlyOnRedis, WritesAreRefusedAndReadsAreNot) {
  const Undo undo = prepared();
  EXPECT_FALSE(prove(undo).held);
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(redis_.cli("SET a 2").starts_with("NOREPLICAS"));
  EXPECT_EQ(redis_.cli("GET a"), "1");
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("SET a 2"), "OK");
}

TEST_F(ReadOnlyOnRedis, WhatWasSetBeforeComesBack) {
  RedisProcess replica(world_.file("replica"),
                       {"--replicaof", "127.0.0.1 " + std::to_string(redis_.port())});
  redis_.cli("CONFIG SET min-replicas-to-write 1");
  const Instant end = world_.clock().in(std::chrono::seconds(10));
  while (redis_.cli("SET a 2") != "OK" && world_.clock().now().boot < end) {
    (void)world_.clock().pause(std::chrono::milliseconds(20), context().until);
  }
  const Undo undo = injected();
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  expect_undone(undo);
  EXPECT_EQ(setting(), "1");
  aim(replica.facet());
  expect_error(prepare(), ErrorCode::refused, "is a replica");
}

TEST_F(ReadOnlyOnRedis, WhatSomebodyElseHasSetSinceStays) {
  const Undo undo = injected();
  redis_.cli("CONFIG SET min-replicas-to-write 7");
  expect_undone(undo);
  EXPECT_EQ(setting(), "7");
  EXPECT_TRUE(gone(undo).facts.boolean("superseded", false));
}

TEST_F(ReadOnlyOnRedis, WhatWouldShowNothingIsRefused) {
  redis_.cli("CONFIG SET min-replicas-to-write 1");
  expect_error(prepare(), ErrorCode::refused, "takes no writes as it is");
  redis_.cli("CONFIG SET min-replicas-to-write 0");
  redis_.cli("CONFIG SET min-replicas-max-lag 0");
  expect_error(prepare(), ErrorCode::unsupported, "min-replicas-max-lag 0");
  redis_.cli("CONFIG SET min-replicas-max-lag 10");
  (void)injected();
  expect_error(prepare("drill-2"), ErrorCode::conflict, "as drills set it");
}

TEST_F(ReadOnlyOnRedis, WhatWasChangedSincePrepareIsNotOverwritten) {
  const Undo undo = prepared();
  redis_.cli("CONFIG SET min-replicas-to-write 3");
  expect_error(inject(undo), ErrorCode::conflict, "not as it was");
  EXPECT_EQ(setting(), "3");
}

TEST_F(ReadOnlyOnRedis, AnotherServerIsNotTouched) {
  const Undo undo = injected();
  const RedisProcess other(world_.file("other"));
  const Undo wrong = elsewhere(undo, other);
  expect_error(undo_it(wrong), ErrorCode::conflict, "another server");
  expect_error(row_.gone(wrong, context()), ErrorCode::conflict, "another server");
  expect_undone(undo);
}

TEST_F(ReadOnlyOnRedis, ARestartEndsIt) {
  const Undo undo = injected();
  redis_.stop();
  redis_.start();
  redis_.make_user();
  expect_undone(undo);
  EXPECT_TRUE(gone(undo).facts.boolean("restarted", false));
}

}  // namespace
}  // namespace gameday
