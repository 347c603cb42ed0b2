#include "tests/drills/restores/redis_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class RestoreOnRedis : public RedisRestoreTest {};

TEST_F(RestoreOnRedis, ABackupSaysWhatItIsAndIsVerifiedInScratch) {
  const Utc start = world_.clock().now().utc;
  const std::string before = redis_.content();
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.target, "sessions");
  EXPECT_EQ(taken.sha256, file_sha256(taken.id).value());
  EXPECT_EQ(taken.facts.integer("keys", 0), 4);
  EXPECT_EQ(taken.facts.get("databases").integer("1", 0), 1);
  EXPECT_EQ(taken.facts.text("form"), "rdb");
  EXPECT_TRUE(taken.facts.boolean("checksum", false));
  EXPECT_FALSE(taken.facts.boolean("server_wrote_a_file", true));
  EXPECT_GE(taken.taken, start);
  EXPECT_EQ(redis_.shell("redis-check-rdb " + taken.id + " | grep -c 'looks OK'"), "1");
  const Restored done = scratch(taken);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_FALSE(done.vacuous);
  EXPECT_EQ(done.facts.text("digest"), taken.digest);
  EXPECT_EQ(redis_.content(), before);
  EXPECT_EQ(left_over(), "");
}

// Two of the same target, and one of another one, are each their own.
TEST_F(RestoreOnRedis, ABackupIsNotWrittenOverByTheNext) {
  const BackupTaken first = backup();
  redis_.cli("SET a 2");
  const BackupTaken second = backup();
  EXPECT_NE(first.digest, second.digest);
  EXPECT_TRUE(scratch(first).verified);
  EXPECT_TRUE(scratch(second).verified);
}

TEST_F(RestoreOnRedis, EveryKindOfKeyComesBackWithItsTimeToLive) {
  redis_.cli(
      "EVAL \"for i=1,3000 do redis.call('SADD','set','m'..i) redis.call('HSET','hash','f'..i,i) "
      "redis.call('ZADD','zset',i,'m'..i) redis.call('RPUSH','long',i) end\" 0");
  redis_.shell(
      "printf 'SET \"\\\\x00\\\\xff\\\\r\\\\n\" bin\\nPFADD hll a b\\nSETBIT bits 70 1\\n"
      "XADD st 1-1 a b\\nXADD st 1-2 c d\\nXGROUP CREATE st g 0\\n"
      "XREADGROUP GROUP g me COUNT 1 STREAMS st >\\nGEOADD geo 13 38 p\\n"
      "SET short 1 PX 100000000\\n' | redis-cli -s " +
      redis_.socket());
  const BackupTaken taken = backup();
  const std::string before = redis_.content() + redis_.cli("PEXPIRETIME short");
  redis_.cli("FLUSHDB");
  redis_.cli("SET junk 1");
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_FALSE(done.vacuous);
  EXPECT_EQ(done.facts.integer("keys_before", -1), 1);
  EXPECT_EQ(redis_.cli("XPENDING st g").substr(0, 1), "1") << "a message that nobody has acked";
  EXPECT_EQ(redis_.cli("SCARD set") + redis_.cli("ZCARD zset") + redis_.cli("LLEN long"),
            "300030003000");
  EXPECT_EQ(redis_.cli("EXISTS junk"), "0");
  ASSERT_TRUE(redis_restore.close(undo, false, context()));
  EXPECT_EQ(redis_.content() + redis_.cli("PEXPIRETIME short"), before);
}

TEST_F(RestoreOnRedis, IntoPlaceBringsTheBackupBackAndUndoWhatWasThere) {
  const BackupTaken taken = backup();
  redis_.cli("DEL list");
  redis_.cli("SET new 1 EX 5000");
  redis_.cli("SET other theirs", 1);
  const std::string later = redis_.content() + redis_.cli("EXPIRETIME new");
  const Undo undo = prepared();
  EXPECT_EQ(redis_.content() + redis_.cli("EXPIRETIME new"), later) << "nothing is touched yet";
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_EQ(redis_.cli("LRANGE list 0 -1"), "x\ny\nz");
  EXPECT_EQ(redis_.cli("EXISTS new"), "0");
  EXPECT_EQ(redis_.cli("GET other", 1), "theirs") << "it is of another database";
  EXPECT_FALSE(gone(undo));
  expect_undone(undo);
  EXPECT_EQ(redis_.content() + redis_.cli("EXPIRETIME new"), later);
  expect_undone(undo);
  EXPECT_EQ(redis_.content() + redis_.cli("EXPIRETIME new"), later);
}

TEST_F(RestoreOnRedis, AnotherDatabaseThanTheFirst) {
  Json facet = redis_.facet();
  aim(facet.set("database", 1));
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.integer("keys", 0), 1);
  redis_.cli("SET other lost", 1);
  redis_.cli("SET a 7");
  const Undo undo = prepared();
  EXPECT_TRUE(place(taken, undo).verified);
  EXPECT_EQ(redis_.cli("GET other", 1), "elsewhere");
  EXPECT_EQ(redis_.cli("GET a"), "7");
  expect_undone(undo);
  EXPECT_EQ(redis_.cli("GET other", 1), "lost");
}

// It was killed without having saved anything, as a cache is: another process, with nothing in it.
TEST_F(RestoreOnRedis, IntoAServerThatWasStartedAnew) {
  // Its settings come in another order from another process.
  const auto keys = [this] { return redis_.content().substr(redis_.content().find("# Key")); };
  const std::string before = keys();
  const BackupTaken taken = backup();
  redis_.stop();
  redis_.start();
  redis_.make_user();
  aim(redis_.facet());
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_EQ(done.facts.integer("keys_before", -1), 0);
  ASSERT_TRUE(redis_restore.close(undo, false, context()));
  redis_.cli("SET other elsewhere", 1);
  EXPECT_EQ(keys(), before);
}

TEST_F(RestoreOnRedis, RestoringWhatIsThereAlreadyIsVacuous) {
  const BackupTaken taken = backup();
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.vacuous);
  EXPECT_EQ(done.text, "the database had the backup's content already");
  expect_undone(undo);
}

TEST_F(RestoreOnRedis, ABackupWithoutKeysIsVacuousAndReplacesNothing) {
  redis_.cli("FLUSHDB");
  const BackupTaken taken = backup();
  EXPECT_TRUE(scratch(taken).vacuous) << "those of another database are no target's";
  redis_.cli("SET a 1");
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.vacuous);
  EXPECT_TRUE(done.text.contains("holds no keys in database 0")) << done.text;
  EXPECT_EQ(redis_.cli("GET a"), "1");
  expect_undone(undo);
}

TEST_F(RestoreOnRedis, WhatHasExpiredSinceIsNoLoss) {
  BackupTaken taken;
  // On a busy machine it has expired before it is backed up: then one that lives longer.
  for (int lives = 1500; taken.facts.integer("keys", 0) != 5; lives *= 2) {
    redis_.cli("SET short 1 PX " + std::to_string(lives));
    taken = backup();
    ASSERT_LT(lives, 100'000);
  }
  redis_.cli("DEL a");
  while (redis_.cli("EXISTS short") == "1") std::this_thread::yield();
  const Restored tried = scratch(taken);
  EXPECT_TRUE(tried.verified) << tried.text;
  EXPECT_EQ(tried.facts.integer("expired", 0), 1);
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_EQ(redis_.cli("DBSIZE"), "4");
  expect_undone(undo);
}

TEST_F(RestoreOnRedis, AFlippedByteIsFoundOut) {
  const BackupTaken taken = backup();
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(taken.id));
  for (const std::int64_t at : {std::int64_t{0}, size / 2, size - 1}) {
    flip_byte(taken.id, at);
    expect_found_out(taken, "is not what was written");
    flip_byte(taken.id, at);
  }
  EXPECT_TRUE(scratch(taken).verified);
}

TEST_F(RestoreOnRedis, ATruncatedOrMissingBackupIsFoundOut) {
  const BackupTaken taken = backup();
  cut(taken.id, 20);
  expect_found_out(taken, "is not what was written");
  std::filesystem::remove(taken.id);
  expect_found_out(taken, "No such file");
}

// The digest of the file is what the record says, so only reading what is in it can tell.
TEST_F(RestoreOnRedis, ADamagedBackupWithARightFileDigestIsFoundOut) {
  BackupTaken taken = backup();
  cut(taken.id, 20);
  taken.sha256 = file_sha256(taken.id).value();
  expect_found_out(taken, "cut short");
  taken = backup();
  flip_last(taken.id);
  taken.sha256 = file_sha256(taken.id).value();
  expect_found_out(taken, "the RDB file is damaged");
  taken = backup();
  redis_.cli("SET a 2");
  std::filesystem::copy_file(backup().id, taken.id,
                             std::filesystem::copy_options::overwrite_existing);
  taken.sha256 = file_sha256(taken.id).value();
  expect_found_out(taken, "1 of another value");
}

TEST_F(RestoreOnRedis, AListOfKeysThatWasChangedIsNotGoneBy) {
  const BackupTaken taken = backup();
  std::ofstream(taken.facts.text("list"), std::ios::app) << "0 string 0 x eA==\n";
  expect_error(aside(taken), ErrorCode::conflict, "is not the list");
}

TEST_F(RestoreOnRedis, ForeignBackupsAreFoundOut) {
  BackupTaken taken = backup();
  Json facet = redis_.facet();
  world_.add_target("other", "redis", facet.set("database", 1));
  const BackupTaken foreign = backup("other");
  expect_found_out(foreign, "is of database 1");
}

TEST_F(RestoreOnRedis, AStaleBackupRestoresAndTellsItsAge) {
  BackupTaken taken = backup();
  taken.taken -= std::chrono::hours(5);
  redis_.cli("DEL a");
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified);
  EXPECT_GE(done.facts.number("age_s", 0), 5 * 3600);
  expect_undone(undo);
}

// Half a dump is no backup.
TEST_F(RestoreOnRedis, ADumpThatEndsInTheMiddleIsNone) {
  redis_.cli("EVAL \"for i=1,3000 do redis.call('SET', 'many:'..i, 'v') end\" 0");
  redis_.cli("CONFIG SET rdb-key-save-delay 1000");
  std::jthread killer([&] {
    while (redis_.cli("CLIENT KILL TYPE slave") != "1") std::this_thread::yield();
  });
  const auto taken = take();
  killer.join();
  ASSERT_FALSE(taken);
  EXPECT_TRUE(taken.error().text.contains("bytes of its dump")) << taken.error().text;
  EXPECT_EQ(redis_.shell("find " + world_.private_folder() + " -name '*.rdb'"), "");
}

TEST_F(RestoreOnRedis, AServerThatWritesAFileOfItsOwnForItIsToldOf) {
  redis_.cli("CONFIG SET repl-diskless-sync no");
  const BackupTaken taken = backup();
  EXPECT_TRUE(taken.facts.boolean("server_wrote_a_file", false));
  EXPECT_TRUE(scratch(taken).verified);
}

TEST_F(RestoreOnRedis, AServerWithTooLittleMemoryForBothIsRefused) {
  redis_.cli("EVAL \"for i=1,4000 do redis.call('SET', 'many:'..i, string.rep('v', 1000)) end\" 0");
  const BackupTaken taken = backup();
  redis_.cli("CONFIG SET maxmemory-policy allkeys-lru");
  const std::string used =
      redis_.shell("redis-cli -s " + redis_.socket() +
                   " INFO memory | sed -n 's/^used_memory:\\([0-9]*\\).*/\\1/p'");
  redis_.cli("CONFIG SET maxmemory " + std::to_string(std::stoll(used) + (2 << 20)));
  const std::string before = redis_.content();
  const Undo undo = prepared();
  const auto done = redis_restore.restore_place(target(), taken, undo, context());
  expect_error(done, ErrorCode::refused, "would be evicted");
  expect_undone(undo);
  EXPECT_EQ(redis_.content(), before);
  EXPECT_EQ(redis_.cli("DBSIZE"), "4004");
}

TEST_F(RestoreOnRedis, AReplicaIsBackedUpAndNotReplaced) {
  RedisProcess replica(world_.file("replica"),
                       {"--replicaof", "127.0.0.1", std::to_string(redis_.port())});
  const Until end{{}, world_.clock().in(20s)};
  while (replica.cli("DBSIZE") != "4" && world_.clock().pause(10ms, end)) {
  }
  replica.make_user();
  aim(replica.facet());
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.integer("keys", 0), 4);
  EXPECT_TRUE(scratch(taken).verified);
  expect_error(redis_restore.prepare(target(), context()), ErrorCode::refused, "is a replica");
  Step step;
  step.kind = StepKind::restore;
  step.target = "sessions";
  EXPECT_TRUE(redis_restore.may(step, context()));
  step.into_place = true;
  expect_error(redis_restore.may(step, context()), ErrorCode::refused, "is a replica");
}

TEST_F(RestoreOnRedis, APartOfAClusterIsNotReplaced) {
  RedisProcess cluster(world_.file("cluster"), {"--cluster-enabled", "yes"});
  aim(cluster.facet());
  Step step;
  step.kind = StepKind::restore;
  step.target = "sessions";
  step.into_place = true;
  expect_error(redis_restore.may(step, context()), ErrorCode::unsupported, "is of a cluster");
  expect_error(redis_restore.prepare(target(), context()), ErrorCode::unsupported,
               "is of a cluster");
}

TEST_F(RestoreOnRedis, WithoutItsProgramsItIsNotBegun) {
  Json facet = redis_.facet();
  aim(facet.set("programs", "/nowhere"));
  Step step;
  step.kind = StepKind::backup;
  step.target = "sessions";
  const Status may = redis_restore.may(step, context());
  ASSERT_FALSE(may);
  EXPECT_TRUE(may.error().text.contains("/nowhere/redis-server")) << may.error().text;
  EXPECT_TRUE(may.error().hint.contains("programs"));
  EXPECT_FALSE(take());
}

// One that is older than the server does not load what that one saves.
TEST_F(RestoreOnRedis, ProgramsThatAreOlderThanTheServerAreRefused) {
  std::filesystem::create_directories(world_.file("old"));
  std::ofstream(world_.file("old/redis-server")) << "#!/bin/sh\necho 'Redis server v=7.0.15 x'\n";
  std::filesystem::permissions(world_.file("old/redis-server"), std::filesystem::perms::owner_all);
  const auto for_version = [&](const std::string& version) {
    return redis_programs(world_.file("old"), version, context());
  };
  EXPECT_TRUE(for_version("7.0.99"));
  EXPECT_TRUE(for_version("6.2.1"));
  expect_error(for_version("7.2.0"), ErrorCode::unsupported, "of version 7.0.15");
  std::ofstream(world_.file("old/redis-server")) << "#!/bin/sh\necho 'Redis server v=6.2.1 x'\n";
  expect_error(for_version("6.2.1"), ErrorCode::unsupported, "7.0");
}

}  // namespace
}  // namespace gameday
