#include "drills/systems/redis_copy.h"
#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const FaultRow evict_fault;

namespace {

class EvictOnRedis : public RedisFaultTest {
 protected:
  EvictOnRedis() : RedisFaultTest(evict_fault) {}
  void SetUp() override {
    RedisFaultTest::SetUp();
    before_ = redis_.content();
  }
  void fill_more() const {
    redis_.shell("redis-cli -s " + redis_.socket() +
                 " EVAL \"for i=1,20000 do redis.call('set', 'many:' .. i, "
                 "string.rep('x', 200)) end\" 0");
  }
  std::string settings() const {
    return redis_.cli("CONFIG GET maxmemory") + redis_.cli("CONFIG GET maxmemory-policy");
  }
  std::string evicted() const {
    return redis_.shell("redis-cli -s " + redis_.socket() +
                        " INFO stats | sed -n 's/^evicted_keys:\\([0-9]*\\).*/\\1/p'");
  }
  std::string copy() const { return world_.private_folder() + "/drill-1.keys"; }
  std::string before_;
};

TEST_F(EvictOnRedis, KeysAreEvictedAndComeBackWithTheirTimesToLive) {
  redis_.cli("CONFIG SET maxmemory 500mb");
  const std::string as_set = settings();
  const Undo undo = prepared();
  EXPECT_FALSE(prove(undo).held) << "nothing was done yet";
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(evicted(), "5") << "those of every database";
  EXPECT_EQ(settings(), as_set) << "it has its memory back";
  const Proof bitten = prove(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_EQ(bitten.facts.integer("missing", 0), 5);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(redis_.content(), before_);
  EXPECT_EQ(redis_.cli("GET other", 1), "elsewhere");
  redis_.cli("DEL a");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("EXISTS a"), "0") << "what the system removes afterwards stays removed";
}

TEST_F(EvictOnRedis, OfManyItIsAShareByThePolicyThatWasChosen) {
  fill_more();
  arguments_ = Json::object({{"share", "25%"}, {"policy", "allkeys-random"}});
  const Undo undo = injected();
  const int left = std::stoi(redis_.cli("DBSIZE"));
  EXPECT_GT(left, 10000);
  EXPECT_LT(left, 19000);
  EXPECT_EQ(prove(undo).facts.integer("evicted", 0), std::stoll(evicted()));
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("DBSIZE"), "20004");
  EXPECT_EQ(redis_.cli("STRLEN many:7"), "200");
}

TEST_F(EvictOnRedis, AKeyThatWasMadeAnewStays) {
  const Undo undo = injected();
  redis_.cli("SET a 2");
  EXPECT_EQ(prove(undo).facts.integer("missing", 0), 4);
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET a"), "2");
  EXPECT_EQ(redis_.cli("GET session:1"), "alice");
}

TEST_F(EvictOnRedis, WhereAllAreThereAgainItDoesNotBite) {
  const Undo undo = injected();
  redis_.fill();
  EXPECT_FALSE(prove(undo).held) << prove(undo).text;
  expect_undone(undo);
}

// Keys that are missing without the server's having evicted any are somebody else's doing.
TEST_F(EvictOnRedis, WhatSomebodyRemovedWasNotEvicted) {
  const Undo undo = injected();
  redis_.cli("CONFIG RESETSTAT");
  EXPECT_FALSE(prove(undo).held) << prove(undo).text;
  expect_undone(undo);
}

TEST_F(EvictOnRedis, WithNothingThatThePolicyMayTakeItFails) {
  for (const std::string key : {"session:1", "session:2"}) redis_.cli("PERSIST " + key);
  const std::string as_set = settings();
  arguments_.set("policy", "volatile-ttl");
  const Undo undo = prepared();
  expect_error(inject(undo), ErrorCode::failed, "evicts nothing by volatile-ttl");
  EXPECT_FALSE(prove(undo).held);
  EXPECT_FALSE(gone(undo).held) << "its memory is not back";
  expect_undone(undo);
  EXPECT_EQ(settings(), as_set);
  EXPECT_EQ(redis_.cli("DBSIZE"), "4");
}

TEST_F(EvictOnRedis, WhatSomebodyHasSetMeanwhileStays) {
  const Undo undo = prepared();
  redis_.cli("CONFIG SET maxmemory 400mb");
  expect_error(inject(undo), ErrorCode::conflict, "is not as it was");
  EXPECT_FALSE(std::filesystem::exists(copy()));
  expect_undone(undo);
  EXPECT_TRUE(settings().contains("419430400")) << settings();
}

TEST_F(EvictOnRedis, WhatCouldNotBePutBackIsRefused) {
  const RedisProcess empty(world_.file("empty"));
  aim(empty.facet());
  expect_error(prepare(), ErrorCode::refused, "nothing to evict");
  const RedisProcess replica(world_.file("replica"),
                             {"--replicaof", "127.0.0.1 " + std::to_string(redis_.port())});
  aim(replica.facet());
  expect_error(prepare(), ErrorCode::refused, "is a replica");
  redis_.shell("redis-cli -s " + redis_.socket() +
               " EVAL \"for i=1,100001 do redis.call('set', i, '') end\" 0");
  aim(redis_.facet());
  expect_error(prepare(), ErrorCode::refused, "100000 keys and 64 MiB");
}

// What it turns out to have when it is copied.
TEST_F(EvictOnRedis, MoreThanIsCopiedIsNotEvicted) {
  const Undo undo = prepared();
  redis_.shell("redis-cli -s " + redis_.socket() +
               " EVAL \"for i=1,100001 do redis.call('set', i, '') end\" 0");
  expect_error(inject(undo), ErrorCode::refused, "100000 keys and 64 MiB");
  EXPECT_EQ(evicted(), "0");
  expect_undone(undo);
}

TEST_F(EvictOnRedis, AnotherServerIsNotTouched) {
  const Undo undo = injected();
  const RedisProcess other(world_.file("other"));
  expect_error(undo_it(elsewhere(undo, other)), ErrorCode::conflict, "another server");
  EXPECT_EQ(other.cli("DBSIZE"), "0");
  expect_undone(undo);
}

TEST_F(EvictOnRedis, ItsCopyGoesAtTheEndUnlessItIsToStay) {
  const Undo undo = injected();
  expect_undone(undo);
  ASSERT_TRUE(row_.close(undo, true, context()));
  EXPECT_TRUE(std::filesystem::exists(copy()));
  ASSERT_TRUE(row_.close(undo, false, context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

// Dies at each change that it makes, and is undone each time.
TEST_F(EvictOnRedis, WhereverItDiesItIsUndone) {
  const std::string as_set = settings();
  bool dies = true;
  for (int change = 0; dies; ++change) {
    const Undo undo = prepared("drill-" + std::to_string(change));
    dies = world_.dies_at(change, [&] { (void)inject(undo); });
    expect_undone(undo);
    EXPECT_EQ(redis_.content(), before_) << "died at " << change;
    EXPECT_EQ(settings(), as_set) << "died at " << change;
  }
  const Undo undo = injected();
  for (int change = 0; world_.dies_at(change, [&] { (void)undo_it(undo); }); ++change) continue;
  expect_undone(undo);
  EXPECT_EQ(redis_.content(), before_);
}

}  // namespace
}  // namespace gameday
