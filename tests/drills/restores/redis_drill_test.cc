// Whole drills on a Redis server, as users run them: keys are lost and come back from a backup, and
// the ledger of acknowledged writes says what did not.
#include "tests/drills/restores/redis_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class DrillOnRedis : public RedisRestoreTest {
 protected:
  void SetUp() override {
    RedisRestoreTest::SetUp();
    world_.set_until({{}, world_.clock().in(100s)});
  }
  Ended gameday(const std::string& playbook, const std::vector<std::string>& more = {},
                const std::string& command = "run", const std::string& server = "") {
    std::vector<std::string> argv{GAMEDAY_BIN_DIR "/../gameday", command, playbook};
    if (command == "run") {
      argv.insert(argv.end(), {"--store", world_.file("store.db"), "--out", world_.file("out")});
    }
    argv.insert(argv.end(), {"--var", "server=" + (server.empty() ? redis_.socket() : server),
                             "--var", "user=gameday"});
    argv.insert(argv.end(), more.begin(), more.end());
    const auto ended =
        world_.doors().processes.run({argv, world_.file(""), {}}, {{}, world_.clock().in(100s)});
    EXPECT_TRUE(ended) << (ended ? "" : ended.error().text);
    return ended.value_or(Ended{});
  }
  static std::string ours(const std::string& name) {
    return std::string(GAMEDAY_SOURCE_DIR "/playbooks/redis/") + name + ".yaml";
  }
  // One of ours without a load, so that nothing is lost, with another step before its restore.
  std::string without_load(const std::string& step = "", const std::string& facet = "") {
    const std::string path = world_.file("p.yaml");
    std::ofstream(path) << "gameday: 1\nname: keys\nsummary: Keys are lost.\nowner: tests\n"
                           "system:\n  sessions: { redis: { address: " +
                               redis_.socket() +
                               ", user: gameday, password: \"${env:REDIS_PASSWORD}\"" + facet +
                               " } }\nlimits: { targets: 2, duration: 1m }\ntimeline:\n"
                               "  - backup: sessions\n"
                               "  - { fault: lose-data, target: sessions, id: lost }\n" +
                               step + "  - { restore: sessions, into: place }\n";
    return path;
  }
  Json result() const {
    return Json::parse(files_.read(world_.file("out/result.json")).value()).value();
  }
  // Every database that has keys.
  std::string databases() const {
    return redis_.shell("redis-cli -s " + redis_.socket() + " INFO keyspace | grep -o '^db[0-9]*'" +
                        " | tr '\\n' ' '");
  }

  const Files files_;
};

TEST_F(DrillOnRedis, WhatWasWrittenSinceTheBackupIsTheLoss) {
  const Ended ended = gameday(ours("keys-lost-and-restored"));
  ASSERT_EQ(ended.code, 0) << ended.output;
  const Json document = result();
  const Json& restore = document.items("restores").at(0);
  EXPECT_EQ(restore.text("kind"), "redis");
  EXPECT_TRUE(restore.boolean("verified", false));
  EXPECT_FALSE(restore.boolean("vacuous", true));
  const Json& ledger = document.items("ledgers").at(0);
  EXPECT_GT(ledger.integer("acknowledged", 0), ledger.integer("lost", 0));
  EXPECT_GT(ledger.integer("lost", 0), 0) << "writes went on until the keys were lost";
  EXPECT_EQ(ledger.integer("corrupt", -1), 0);
  const double rpo = document.get("recovery").number("rpo_s", -1);
  EXPECT_GT(rpo, 0);
  EXPECT_LT(rpo, 60);
  EXPECT_EQ(redis_.cli("GET a"), "1");
  EXPECT_EQ(redis_.cli("DBSIZE"), "4") << "what the load wrote is gone again";
  // What is missing may be in what was kept: it stays, and is named.
  EXPECT_TRUE(ended.output.contains("is kept: database 14 of Redis")) << ended.output;
  EXPECT_TRUE(ended.output.contains("is kept: database 15 of Redis")) << ended.output;
}

TEST_F(DrillOnRedis, ABackupOlderThanAcknowledgedWritesFailsByTheLedger) {
  redis_.cli("SAVE");
  const Ended ended = gameday(ours("keys-lost-with-an-old-backup"),
                              {"--var", "backup=" + world_.file("redis/dump.rdb")});
  EXPECT_EQ(ended.code, 1) << ended.output;
  const Json document = result();
  EXPECT_TRUE(document.items("restores").at(0).boolean("verified", false)) << "whole, and too old";
  EXPECT_GT(document.items("ledgers").at(0).integer("lost", 0), 0);
  EXPECT_GT(document.get("recovery").number("rpo_s", -1), 2);
  EXPECT_EQ(redis_.cli("GET a"), "1");
}

TEST_F(DrillOnRedis, WhereNothingIsMissingNothingStays) {
  const std::string before = redis_.content();
  const Ended ended = gameday(without_load());
  EXPECT_EQ(ended.code, 0) << ended.output;
  EXPECT_EQ(redis_.content(), before);
  EXPECT_EQ(databases(), "db0 db1 ");
}

// Of a backup that is no good the fault's own undo brings the keys back, and the drill has failed.
TEST_F(DrillOnRedis, ABackupThatIsDamagedAfterwardsFailsAndTheKeysComeBack) {
  const std::string before = redis_.content();
  const std::string damage =
      "  - { fault: command, id: damage, do: [sh, -c, 'touch done; printf x | dd of=$(ls " +
      world_.file("") +
      "private/*/backups/*/dump.rdb) bs=1 seek=3 conv=notrunc'], undo: [rm, -f, done], check: "
      "[test, -e, done], for: 1s }\n";
  const Ended ended = gameday(without_load(damage));
  EXPECT_NE(ended.code, 0) << ended.output;
  EXPECT_TRUE(ended.output.contains("is not what was written")) << ended.output;
  EXPECT_EQ(redis_.content(), before);
  EXPECT_EQ(databases(), "db0 db1 ");
}

TEST_F(DrillOnRedis, ADamagedBackupOfSomebodyElsesIsNotBegunWith) {
  redis_.cli("SAVE");
  flip_last(world_.file("redis/dump.rdb"));
  const std::string before = redis_.content();
  const Ended ended = gameday(without_load("", ", backup: " + world_.file("redis/dump.rdb")));
  EXPECT_NE(ended.code, 0) << ended.output;
  EXPECT_TRUE(ended.output.contains("the RDB file is damaged")) << ended.output;
  EXPECT_EQ(redis_.content(), before);
}

TEST_F(DrillOnRedis, APlanRefusesWhatCannotBeReplaced) {
  RedisProcess replica(world_.file("replica"),
                       {"--replicaof", "127.0.0.1", std::to_string(redis_.port())});
  const Until end{{}, world_.clock().in(20s)};
  while (replica.cli("DBSIZE") != "4" && world_.clock().pause(10ms, end)) {
  }
  replica.make_user();
  const Ended plan = gameday(ours("keys-lost-and-restored"), {}, "plan", replica.socket());
  EXPECT_TRUE(plan.output.contains("is a replica")) << plan.output;
}

}  // namespace
}  // namespace gameday
