// To each of Redis's rows a user of its ACL who has exactly what the README asks for: commands and
// names of keys. Nobody may look at rights: no ACL command, no MULTI where the row needs none.
#include <cctype>

#include "drills/systems/redis_files.h"
#include "tests/drills/redis_process.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"
#include "tests/drills/row_load.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

extern const LoadRow redis_load;

namespace {

// By the README's word, and by the ACL's. Who lacks it is told so by these words.
struct AclRight {
  std::string word, rule, missed;
};
AclRight command(const std::string& word) {
  std::string rule = word;
  for (char& c : rule) {
    c = c == ' ' ? '|' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return {word, "'+" + rule + "'", "'" + rule + "' command"};
}
AclRight keys(const std::string& word, const std::string& pattern, const std::string& asked) {
  return {word, "'~" + pattern + "'", asked + ": NOPERM"};
}

const std::string kBackup = "  - { backup: sessions }\n";

struct RedisNeeds {
  std::string row;
  std::string step;
  std::vector<AclRight> rights;
};

std::vector<AclRight> with(std::initializer_list<const char*> commands,
                           std::initializer_list<AclRight> others) {
  std::vector<AclRight> all;
  for (const char* one : commands) all.push_back(command(one));
  all.insert(all.end(), others);
  return all;
}

std::vector<RedisNeeds> redis_needs() {
  return {
      {"pause-redis", "  - { fault: pause-redis, target: sessions, for: 1s }\n",
       with({"INFO", "PING", "CLIENT PAUSE", "CLIENT UNPAUSE", "PFCOUNT"},
            {keys("gameday:*", "gameday:*", "PFCOUNT")})},
      {"read-only", "  - { fault: read-only, target: sessions, for: 1s }\n",
       with({"INFO", "CONFIG GET", "CONFIG SET", "EXISTS", "DEL"},
            {keys("gameday:*", "gameday:*", "EXISTS gameday:nobody")})},
      {"evict", "  - { fault: evict, target: sessions, for: 1s }\n",
       with({"INFO", "CONFIG GET", "CONFIG SET", "SELECT", "SCAN", "EXISTS", "DUMP", "PEXPIRETIME",
             "RESTORE"},
            {keys("all keys", "*", "EXISTS gameday:nobody")})},
      {"lose-data-redis", "  - { fault: lose-data-redis, target: sessions, for: 1s }\n",
       with({"INFO", "SELECT", "SCAN", "DBSIZE", "MULTI", "EXEC", "EXISTS", "MOVE", "GET", "SET",
             "DEL", "WATCH", "SWAPDB"},
            {keys("all keys", "*", "EXISTS *")})},
      {"lose-data-redis",
       "  - { fault: lose-data-redis, target: sessions, keys: 'session:*', newer: stays, for: 1s "
       "}\n",
       with({"INFO", "SELECT", "SCAN", "DBSIZE", "MULTI", "EXEC", "EXISTS", "MOVE", "UNLINK", "GET",
             "SET", "DEL", "WATCH"},
            {keys("the keys", "session:*", "EXISTS session:*"),
             keys("gameday:*", "gameday:*", "EXISTS gameday:kept")})},
      {"redis", kBackup, with({"INFO", "REPLCONF", "PSYNC"}, {})},
      {"redis", kBackup + "  - { restore: sessions }\n", with({"INFO"}, {})},
      {"redis", kBackup + "  - { restore: sessions, into: place }\n",
       with({"INFO", "REPLCONF", "PSYNC", "SELECT", "SCAN", "DBSIZE", "MULTI", "EXEC", "SWAPDB",
             "EXISTS", "GET", "SET", "MOVE", "DEL", "WATCH", "RESTORE", "UNLINK"},
            {keys("all keys", "*", "RESTORE *")})},
      {"redis", "",
       with({"INFO", "SCAN", "SET", "GET", "DEL"},
            {keys("keys that begin so", "gameday:*", "GET gameday:drill-nobody")})},
  };
}

class RightsOnRedis : public testing::Test {
 protected:
  void SetUp() override { redis_.fill(); }
  // Has them all but one, and nothing else.
  void become(const std::vector<AclRight>& rights, const AclRight* without = nullptr) {
    std::string rules;
    for (const auto& right : rights) {
      if (&right != without) rules += " " + right.rule;
    }
    EXPECT_EQ(redis_.cli("ACL SETUSER gameday reset on '>" + std::string(RedisProcess::kPassword) +
                         "'" + rules),
              "OK");
  }
  // How much was ever changed, and all settings.
  std::string touched() {
    return redis_.shell("printf 'INFO persistence\\nCONFIG GET *\\nDBSIZE\\n' | redis-cli -s " +
                        redis_.socket() + " | grep -v '^rdb_last\\|^current_\\|^aof_\\|^async'") +
           (redis_.holds_writes() ? " and writes wait" : "");
  }
  std::string system() {
    (void)redis_.facet();  // the password's place
    return "  sessions: { redis: { address: " + redis_.socket() +
           ", user: gameday, password: \"${env:REDIS_PASSWORD}\" } }\n";
  }
  // `missed` is told which words the refusal must have.
  template <class Missed, class Works>
  void each_is_needed(const RedisNeeds& needs, const Missed& missed, const Works& works) {
    // What the case before has had it save may still be under way.
    EXPECT_TRUE(eventually([&] { return touched().contains("rdb_bgsave_in_progress:0"); }));
    const std::string before = touched();
    for (const auto& right : needs.rights) {
      SCOPED_TRACE("without " + right.rule);
      become(needs.rights, &right);
      missed(right.missed);
    }
    become(needs.rights);
    EXPECT_EQ(touched(), before);
    works();
  }
  void fault(const RedisNeeds& needs) {
    DeedWorld world;
    RightsCase one(world, system(), needs.step);
    each_is_needed(
        needs, [&](const std::string& words) { one.expect_missed(words); },
        [&] { one.expect_works(); });
  }
  // A backup is shown to be one by restoring it aside, which asks nothing of the server. Such a
  // restore follows the backup of somebody who may take one.
  void restore(const RedisNeeds& needs) {
    DeedWorld world, other;
    const bool alone = needs.step == kBackup, aside = !alone && !needs.step.contains("place");
    RightsCase one(world, system(), needs.step);
    RightsCase whole(other, system(), alone ? kBackup + "  - { restore: sessions }\n" : needs.step);
    each_is_needed(
        needs, [&](const std::string& words) { one.expect_missed(words); },
        [&] {
          EXPECT_TRUE(one.may());
          if (aside) become(with({"INFO", "REPLCONF", "PSYNC"}, {}));
          whole.after_backup([&] {
            if (aside) become(needs.rights);
          });
          whole.expect_works();
        });
  }
  void load(const RedisNeeds& needs) {
    DeedWorld world;
    world.add_target("sessions", "redis", redis_.facet());
    RowLoad load(world, redis_load,
                 Json::object({{"connection", "sessions"}, {"key", "gameday:{key}"}}));
    load.prepare();
    each_is_needed(
        needs,
        [&](const std::string& words) {
          const Status may = load.may();
          ASSERT_FALSE(may) << "nobody has missed: " << words;
          EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
          EXPECT_TRUE(may.error().text.contains(words)) << may.error().text;
        },
        [&] { load.expect_works(); });
  }

  DeedWorld place_;
  RedisProcess redis_{place_.file("redis")};
};

TEST_F(RightsOnRedis, AreEnoughAndEachIsMissed) {
  const std::string before = redis_.content();
  for (const auto& needs : redis_needs()) {
    SCOPED_TRACE(needs.row + " " + needs.step);
    if (needs.step.empty()) {
      load(needs);
    } else if (needs.step.starts_with(kBackup)) {
      restore(needs);
    } else {
      fault(needs);
    }
  }
  EXPECT_EQ(redis_.content(), before);
}

// Who may do it to some keys may not do it to all.
TEST_F(RightsOnRedis, OfSomeKeysAreNotThoseOfAll) {
  for (auto needs : redis_needs()) {
    if (needs.rights.back().word != "all keys") continue;
    needs.rights.back().rule = "'~gameday:*' '~session:*'";
    become(needs.rights);
    DeedWorld world;
    RightsCase(world, system(), needs.step).expect_missed("NOPERM");
  }
}

// What would have been ended by the question is somebody else's.
TEST_F(RightsOnRedis, APauseOfSomebodyElseIsNotEndedByTheQuestion) {
  const auto needs = redis_needs().front();
  become(needs.rights);
  DeedWorld world;
  RightsCase one(world, system(), needs.step);
  redis_.cli("CLIENT PAUSE 20000 WRITE");
  const Status may = one.may();
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, ErrorCode::conflict) << may.error().text;
  EXPECT_TRUE(redis_.holds_writes());
}

// A key of somebody's that has nobody's name stays.
TEST_F(RightsOnRedis, AKeyIsNotRemovedByTheQuestion) {
  const auto needs = redis_needs().back();
  become(needs.rights);
  DeedWorld world;
  world.add_target("sessions", "redis", redis_.facet());
  RowLoad load(world, redis_load,
               Json::object({{"connection", "sessions"}, {"key", "gameday:{key}"}}));
  load.prepare();
  redis_.cli("SET gameday:drill-nobody theirs");
  const Status may = load.may();
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, ErrorCode::conflict) << may.error().text;
  EXPECT_EQ(redis_.cli("GET gameday:drill-nobody"), "theirs");
}

TEST_F(RightsOnRedis, ABackupOfSomebodyElsesMustBeReadable) {
  using std::filesystem::perms;
  redis_.cli("SAVE");
  const std::string file = place_.file("redis/dump.rdb");
  for (const auto& folder : {place_.file(""), place_.file("redis")}) {
    std::filesystem::permissions(folder, perms::others_exec, std::filesystem::perm_options::add);
  }
  const auto look = [&](perms others, bool readable) {
    std::filesystem::permissions(file, perms::owner_read | others);
    in_child([&] {
      ASSERT_TRUE(gameday::become(kNobody, {}));
      DeedWorld own;
      const Status may = may_read_redis_files({RedisFiles::Kind::rdb, file}, own.context());
      EXPECT_EQ(may.has_value(), readable);
      if (!may) {
        EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
      }
    });
  };
  look(perms::others_read, true);
  look(perms::none, false);
}

// The server's own way of being copied is asked for as it finds the question wrong.
TEST_F(RightsOnRedis, NobodyIsAReplicaByTheQuestion) {
  const std::string saves = redis_.cli("INFO persistence | grep rdb_saves");
  become(with({"INFO", "REPLCONF", "PSYNC"}, {}));
  DeedWorld world;
  EXPECT_TRUE(RightsCase(world, system(), kBackup).may());
  EXPECT_EQ(redis_.cli("INFO replication | grep ^connected_slaves"), "connected_slaves:0\r");
  EXPECT_EQ(redis_.cli("INFO persistence | grep rdb_saves"), saves);
  EXPECT_EQ(redis_.cli("INFO stats | grep ^sync_full"), "sync_full:0\r");
}

TEST(RedisRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  std::vector<RowNeeds> steps, loads;
  for (const auto& needs : redis_needs()) {
    for (const auto& right : needs.rights) {
      add_needs(needs.row, {right.word}, needs.step.empty() ? loads : steps);
    }
  }
  const auto of_it = [](const auto& row) { return row.facet == "redis"; };
  expect_told(rows.faults, steps, of_it);
  expect_told(rows.restores, steps, of_it);
  expect_told(rows.actions, steps, of_it);
  expect_told(rows.loads, loads, [](const auto& row) { return row.name == "redis"; });
}

}  // namespace
}  // namespace gameday
