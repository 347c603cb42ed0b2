#include <fstream>

#include "drills/systems/redis_shelf.h"
#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const FaultRow lose_data_redis_fault;

namespace {

class LoseDataOnRedis : public RedisFaultTest {
 protected:
  LoseDataOnRedis() : RedisFaultTest(lose_data_redis_fault) {}
  void SetUp() override {
    RedisFaultTest::SetUp();
    before_ = redis_.content();
  }
  std::string before_;
};

TEST_F(LoseDataOnRedis, ADatabaseIsEmptyAndThenAsItWas) {
  const Undo undo = prepared();
  EXPECT_FALSE(prove(undo).held);
  EXPECT_EQ(redis_.content(), before_);
  ASSERT_TRUE(inject(undo));
  EXPECT_EQ(redis_.cli("DBSIZE"), "0");
  EXPECT_EQ(redis_.cli("GET other", 1), "elsewhere");
  const Proof proof = prove(undo);
  EXPECT_TRUE(proof.held) << proof.text;
  EXPECT_EQ(proof.facts.integer("kept", 0), 4);
  EXPECT_FALSE(gone(undo).held);
  redis_.cli("SET new 1");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET new"), "1") << "what came since stays";
  redis_.cli("DEL new");
  EXPECT_EQ(redis_.content(), before_);
}

// A restore into place has brought the data back: what was kept is of no more use, if nothing is
// missing.
TEST_F(LoseDataOnRedis, WhatARestoreHasSupersededGoesAtTheEndUnlessItIsToStay) {
  const Undo undo = injected();
  const int shelf = static_cast<int>(undo.arguments.integer("shelf", 0));
  EXPECT_EQ(undo.arguments.text("kept"),
            "database " + std::to_string(shelf) + " of Redis at " + redis_.socket());
  ASSERT_TRUE(lose_data_redis_fault.close(undo, true, context()));
  EXPECT_EQ(redis_.cli("DBSIZE", shelf), "5");
  redis_.cli("SET restored 1");
  for (int twice = 0; twice < 2; ++twice) {
    if (twice == 0) {
      redis_.cli("ACL SETUSER gameday -unlink");
    }
    ASSERT_TRUE(lose_data_redis_fault.close(undo, false, context()));
    EXPECT_EQ(redis_.cli("DBSIZE", shelf), "0");
    EXPECT_EQ(redis_.cli("GET restored"), "1");
    EXPECT_EQ(redis_.cli("GET other", 1), "elsewhere");
    if (twice == 0) {
      EXPECT_FALSE(std::filesystem::exists(undo.arguments.text("notes")));
      std::ofstream(undo.arguments.text("notes")) << R"({"kept": 4})";
    }
  }
}

TEST_F(LoseDataOnRedis, ThoseOfAPatternAlone) {
  arguments_.set("keys", "session:*");
  const Undo undo = injected();
  EXPECT_EQ(redis_.cli("EXISTS session:1 session:2"), "0");
  EXPECT_EQ(redis_.cli("GET a"), "1");
  EXPECT_EQ(prove(undo).facts.integer("kept", 0), 2);
  expect_undone(undo);
  EXPECT_EQ(redis_.content(), before_);
  arguments_.set("keys", "nothing:*");
  expect_error(prepare("drill-2"), ErrorCode::refused, "nothing to lose");
}

TEST_F(LoseDataOnRedis, ManyKeysGoAndComeBack) {
  redis_.shell("seq 1 20000 | sed 's/.*/SET many:& v/' | redis-cli -s " + redis_.socket());
  ASSERT_EQ(redis_.cli("DBSIZE"), "20004");
  arguments_.set("keys", "many:*");
  const Undo undo = injected();
  EXPECT_EQ(redis_.cli("DBSIZE"), "4");
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("DBSIZE"), "20004");
}

TEST_F(LoseDataOnRedis, AKeyThatWasMadeAnewIsAConflict) {
  const Undo undo = injected();
  redis_.cli("SET a 2");
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  EXPECT_EQ(prove(undo).facts.integer("back", 0), 1);
  expect_error(undo_it(undo), ErrorCode::conflict, "1 keys have been made anew");
  EXPECT_FALSE(gone(undo).held);
  EXPECT_EQ(redis_.cli("GET a"), "2");
  EXPECT_EQ(redis_.cli("GET a", 15), "1") << "as it was";
  redis_.cli("DEL a");
  expect_undone(undo);
  EXPECT_EQ(redis_.content(), before_);
}

TEST_F(LoseDataOnRedis, OrTheNewerOneStays) {
  arguments_.set("newer", "stays");
  const Undo undo = injected();
  redis_.cli("SET a 2");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET a"), "2");
  EXPECT_EQ(redis_.cli("GET session:1"), "alice");
  EXPECT_EQ(redis_.cli("DBSIZE", 15), "0");
}

TEST_F(LoseDataOnRedis, WhatDidNotBiteIsNotProven) {
  const Undo undo = injected();
  for (const std::string key : {"a", "list", "session:1", "session:2"}) {
    redis_.shell("redis-cli -s " + redis_.socket() + " -n 15 COPY " + key + " " + key + " DB 0");
  }
  EXPECT_FALSE(prove(undo).held) << "all of it is there";
}

TEST_F(LoseDataOnRedis, AShelfThatSomebodyTookMeanwhileIsNotTouched) {
  const Undo undo = prepared();
  redis_.cli("SET theirs 1", 15);
  expect_error(inject(undo), ErrorCode::conflict, "somebody else's");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET theirs", 15), "1");
  redis_.cli("DEL theirs", 15);
  EXPECT_EQ(redis_.content(), before_);
  redis_.cli("SET gameday:kept drill-9", 15);
  expect_error(inject(undo), ErrorCode::conflict, "somebody else's");
  EXPECT_EQ(redis_.cli("GET gameday:kept", 15), "drill-9");
}

// A mark that has been wiped out is told from one that never was.
TEST_F(LoseDataOnRedis, WhatWasKeptAndIsGoneIsSaid) {
  const Undo undo = injected();
  redis_.cli("FLUSHALL");
  expect_error(undo_it(undo), ErrorCode::conflict, "4 keys were kept");
  EXPECT_FALSE(gone(undo).held) << gone(undo).text;
}

// Whoever takes out does so only while the mark lies there, however late it comes to it: an undo
// may have been there between.
TEST_F(LoseDataOnRedis, NothingIsTakenOutAfterTheUndo) {
  constexpr int kClaimed = 1, kAboutToTakeOut = 2;
  for (const std::string keys : {"*", "session:*"}) {
    for (const int moment : {kClaimed, kAboutToTakeOut}) {
      arguments_.set("keys", keys);
      const Undo undo = prepared();
      int seen = 0;
      world_.doors().observer = [&](std::string_view, Side) {
        if (seen++ == moment) redis_.cli("DEL gameday:kept", 15);
      };
      const auto done = inject(undo);
      world_.doors().observer = {};
      ASSERT_FALSE(done) << keys << moment;
      EXPECT_EQ(done.error().code, ErrorCode::conflict) << done.error().text;
      EXPECT_EQ(redis_.content(), before_);
      expect_undone(undo);
    }
  }
}

// Keys of a pattern are taken out in several transactions; the undo may have been there after one.
TEST_F(LoseDataOnRedis, NoMoreIsTakenOutOnceTheMarkIsGone) {
  constexpr int kFirstTaken = 3;
  redis_.shell("redis-cli -s " + redis_.socket() +
               " EVAL \"for i=1,20000 do redis.call('set', 'session:' .. i, '') end\" 0");
  arguments_.set("keys", "session:*");
  const Undo undo = prepared();
  int seen = 0;
  world_.doors().observer = [&](std::string_view, Side) {
    if (seen++ == kFirstTaken) redis_.cli("DEL gameday:kept", 15);
  };
  const auto done = inject(undo);
  world_.doors().observer = {};
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict) << done.error().text;
  EXPECT_LT(std::stoi(redis_.cli("DBSIZE", 15)), 20000) << "it went on";
}

TEST_F(LoseDataOnRedis, WhatCannotBePutBackIsRefused) {
  redis_.cli("SET gameday:kept mine");
  expect_error(prepare(), ErrorCode::refused, "keeps for itself");
  redis_.cli("DEL gameday:kept");
  const RedisProcess one(world_.file("one"), {"--databases", "1"});
  aim(one.facet());
  expect_error(prepare(), ErrorCode::refused, "nothing to lose");
  one.cli("SET a 1");
  expect_error(prepare(), ErrorCode::unsupported, "no empty database");
  const RedisProcess cluster(world_.file("cluster"), {"--cluster-enabled", "yes"});
  aim(cluster.facet());
  expect_error(prepare(), ErrorCode::unsupported, "of a cluster");
  const RedisProcess replica(world_.file("replica"),
                             {"--replicaof", "127.0.0.1 " + std::to_string(redis_.port())});
  aim(replica.facet());
  expect_error(prepare(), ErrorCode::refused, "is a replica");
}

TEST_F(LoseDataOnRedis, TooManyKeysAreRefused) {
  redis_.shell("redis-cli -s " + redis_.socket() +
               " EVAL \"for i=1,1000001 do redis.call('set', i, '') end\" 0");
  expect_error(prepare(), ErrorCode::refused, "more than the 1000000");
}

TEST_F(LoseDataOnRedis, AnotherServerIsNotTouched) {
  const Undo undo = injected();
  const RedisProcess other(world_.file("other"));
  other.cli("SET gameday:kept drill-1", 15);
  other.cli("SET b 1", 15);
  expect_error(undo_it(elsewhere(undo, other)), ErrorCode::conflict, "another server");
  EXPECT_EQ(other.cli("GET b", 15), "1");
  expect_undone(undo);
}

// Dies at each change that it makes, and is undone each time.
TEST_F(LoseDataOnRedis, WhereverItDiesItIsUndone) {
  for (const std::string keys : {"*", "session:*"}) {
    arguments_.set("keys", keys);
    bool dies = true;
    for (int change = 0; dies; ++change) {
      const Undo undo = prepared("drill-" + keys.substr(0, 1) + std::to_string(change));
      dies = world_.dies_at(change, [&] { (void)inject(undo); });
      expect_undone(undo);
      EXPECT_EQ(redis_.content(), before_) << "died at " << change;
    }
  }
  arguments_.set("keys", "*");
  const Undo undo = injected();
  for (int change = 0; world_.dies_at(change, [&] { (void)undo_it(undo); }); ++change) continue;
  expect_undone(undo);
  EXPECT_EQ(redis_.content(), before_);
}

}  // namespace
}  // namespace gameday
