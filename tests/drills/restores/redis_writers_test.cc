// Restores of Redis into place, and whoever else writes to the server meanwhile and afterwards.
#include "tests/drills/restores/redis_fixture.h"

namespace gameday {
namespace {

class WritersOnRedis : public RedisRestoreTest {};

// And one that is started anew in between has lost what was kept: that is said, not passed over.
TEST_F(WritersOnRedis, WhatWasKeptIsMissedWhereItIsGone) {
  const BackupTaken taken = backup();
  redis_.cli("SET new 1");
  const Undo undo = prepared();
  ASSERT_TRUE(place(taken, undo).verified);
  redis_.cli("FLUSHALL");
  expect_error(undone(undo), ErrorCode::conflict, "mark is gone");
  EXPECT_FALSE(gone(undo));
}

TEST_F(WritersOnRedis, UnderALiveWriterNoWriteIsLostBetweenTheTwo) {
  const BackupTaken taken = backup();
  const Undo undo = prepared();
  StopSource stop;
  std::jthread writer([&] {
    while (!stop.stop().requested()) redis_.cli("INCR live");
  });
  while (redis_.cli("GET live").empty()) std::this_thread::yield();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  while (redis_.cli("GET live").empty()) std::this_thread::yield();
  // What was written until the exchange is where it is kept, what came since in the database.
  const auto refused = undone(undo);
  expect_error(refused, ErrorCode::conflict, "has been written to since");
  EXPECT_FALSE(gone(undo));
  stop.request();
  writer.join();
  EXPECT_GE(std::stoi(redis_.cli("GET live")), 1);
  const int kept = static_cast<int>(undo.arguments.integer("spare", 0));
  EXPECT_GE(std::stoi(redis_.cli("GET live", kept)), 1);
  EXPECT_EQ(redis_.cli("GET a", kept), "1");
  // Once the writer's keys are taken out, what stands there is ours again.
  redis_.cli("DEL live");
  expect_undone(undo);
}

TEST_F(WritersOnRedis, WhatWritersAddedSinceIsNotUndoneAway) {
  const BackupTaken taken = backup();
  redis_.cli("SET a later");
  for (const std::string change : {"SET since 1", "SET a 2", "PERSIST session:1", "DEL list",
                                   "APPEND other x", "EXPIRE a 5000"}) {
    const Undo undo = prepared();
    ASSERT_TRUE(place(taken, undo).verified);
    redis_.cli(change);
    expect_error(undone(undo), ErrorCode::conflict, "has been written to since");
    const int kept = static_cast<int>(undo.arguments.integer("spare", 0));
    EXPECT_EQ(redis_.cli("GET a", kept), "later") << change;
    ASSERT_TRUE(redis_restore.close(undo, false, context()));
    EXPECT_EQ(redis_.cli("DBSIZE", kept), "0");
    redis_.cli("SET a later");
  }
}

// Somebody else's keys in what was an empty database are not exchanged into the place, nor removed.
TEST_F(WritersOnRedis, ASpareThatOthersWriteToIsNotExchanged) {
  redis_.cli("EVAL \"for i=1,300 do redis.call('SET', 'many:'..i, 'v') end\" 0");
  const BackupTaken taken = backup();
  const std::string before = redis_.content();
  const Undo undo = prepared();
  const int spare = static_cast<int>(undo.arguments.integer("spare", 0));
  std::jthread other([&] {
    while (redis_.cli("EXISTS many:1", spare) != "1") std::this_thread::yield();
    redis_.cli("SET theirs 1", spare);
  });
  redis_.cli("CONFIG SET repl-diskless-sync-delay 1");
  const Restored done = place(taken, undo);
  other.join();
  EXPECT_FALSE(done.verified);
  EXPECT_TRUE(done.text.contains("1 not of the backup")) << done.text;
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("KEYS '*'", spare), "theirs");
  redis_.cli("DEL theirs", spare);
  EXPECT_EQ(redis_.content(), before);
}

TEST_F(WritersOnRedis, ASpareThatIsNoMoreEmptyIsNotTaken) {
  const BackupTaken taken = backup();
  const Undo undo = prepared();
  const int spare = static_cast<int>(undo.arguments.integer("spare", 0));
  redis_.cli("SET theirs 1", spare);
  const auto done = redis_restore.restore_place(target(), taken, undo, context());
  expect_error(done, ErrorCode::conflict, "somebody else's now");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("KEYS '*'", spare), "theirs");
}

// Whoever has wiped the mark out may have put something of theirs there.
TEST_F(WritersOnRedis, WithoutItsMarkNothingIsExchanged) {
  const Undo undo = prepared();
  const auto spare = redis_spare_from(undo).value();
  redis_.cli("SET gameday:kept theirs", static_cast<int>(spare.database));
  const std::string before = redis_.content();
  expect_error(exchange_spare(spare, context()), ErrorCode::conflict, "somebody else's now");
  EXPECT_EQ(redis_.content(), before);
}

// What was written after the undo had looked and before it exchanged stays in the place.
TEST_F(WritersOnRedis, AWriteInTheMiddleOfItsUndoIsNotUndoneAway) {
  const BackupTaken taken = backup();
  redis_.cli("SET a later");
  const Undo undo = prepared();
  ASSERT_TRUE(place(taken, undo).verified);
  redis_.cli("CONFIG SET rdb-key-save-delay 100000");
  std::jthread writer([&] {
    while (!redis_.cli("INFO persistence").contains("rdb_bgsave_in_progress:1")) {
      std::this_thread::yield();
    }
    redis_.cli("SET since 1");
  });
  const auto refused = undone(undo);
  writer.join();
  redis_.cli("CONFIG SET rdb-key-save-delay 0");
  expect_error(refused, ErrorCode::conflict, "is being written to");
  EXPECT_FALSE(gone(undo));
  EXPECT_EQ(redis_.cli("GET since"), "1");
  EXPECT_EQ(redis_.cli("GET a"), "1");
  EXPECT_EQ(redis_.cli("GET a", static_cast<int>(undo.arguments.integer("spare", 0))), "later");
  redis_.cli("DEL since");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET a"), "later");
}

}  // namespace
}  // namespace gameday
