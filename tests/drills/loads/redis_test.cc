#include "tests/drills/redis_fixture.h"
#include "tests/drills/row_load.h"

namespace gameday {

extern const LoadRow redis_load;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Json sessions() { return Json::object({{"connection", "sessions"}, {"key", "gameday:{key}"}}); }

TEST(RedisLoad, WhatCannotWorkIsFoundByCheck) {
  DeedWorld world;
  world.add_target("sessions", "redis", Json::object({{"address", "127.0.0.1:6379"}}));
  const auto wrong = [&](std::string_view field, const std::string& text) {
    Json arguments = sessions();
    arguments.set(field, text);
    return RowLoad(world, redis_load, arguments).wrong();
  };
  EXPECT_EQ(RowLoad(world, redis_load, sessions()).wrong(), "");
  EXPECT_TRUE(wrong("connection", "nothing").contains("no target"));
  EXPECT_TRUE(wrong("key", "fixed").contains("expected {key}"));
  EXPECT_TRUE(wrong("key", "{key}{key}").contains("expected {key}"));
  EXPECT_TRUE(wrong("key", "{drill}:{key}").contains("no other brace"));
}

class RedisLoadOnRedisTest : public RedisTest {
 protected:
  // "KEY DIGEST" a line, as redis-cli has them.
  std::string rows() {
    return redis_.shell("for k in $(redis-cli -s " + redis_.socket() +
                        " KEYS 'gameday:*'); do echo \"${k#gameday:} $(redis-cli -s " +
                        redis_.socket() + " GET $k)\"; done");
  }

  RowLoad load_{world_, redis_load, sessions()};
};

TEST_F(RedisLoadOnRedisTest, WhatIsAcknowledgedIsThereAndNothingIsLost) {
  load_.run(seconds(2));
  EXPECT_GT(load_.count(SampleOutcome::ok), 100U);
  const Instant now = world_.clock().now().boot;
  const LedgerSummary summary = load_.judge(now);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_EQ(summary.present, load_.samples().size());
  EXPECT_EQ(summary.rpo_s.worst, 0);
  EXPECT_EQ(summary.phantom, 0U);
  expect_same(load_, summary, load_.told_by_script(rows(), now));

  EXPECT_FALSE(load_.gone().held);
  ASSERT_TRUE(load_.undo());
  EXPECT_TRUE(load_.gone().held);
  EXPECT_TRUE(load_.undo()) << "again, as after a death";
  EXPECT_EQ(rows(), "");
  EXPECT_EQ(redis_.cli("GET a"), "1") << "what is others' stays";
}

// It acknowledges what is in its memory alone, and comes back empty.
TEST_F(RedisLoadOnRedisTest, WhatARestartTookIsNamedWithItsRecoveryPoint) {
  load_.start();
  load_.rest(seconds(1));
  const Instant disaster = world_.clock().now().boot;
  redis_.stop();
  redis_.start();
  redis_.make_user();
  load_.rest(seconds(1));
  load_.end();
  const LedgerSummary summary = load_.judge(disaster);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_GT(summary.lost, 0U);
  EXPECT_GT(summary.present, 0U) << "it went on after the restart";
  EXPECT_GT(summary.rpo_s.best, 0.5);
  EXPECT_TRUE(load_.found["lost"].contains(load_.key(0)));
  expect_same(load_, summary, load_.told_by_script(rows(), disaster));
}

TEST_F(RedisLoadOnRedisTest, KeysAreToldApart) {
  load_.run(seconds(1));
  ASSERT_GT(load_.acknowledged().size(), 60U);
  redis_.cli("DEL gameday:" + load_.key(20));
  redis_.cli("SET gameday:" + load_.key(30) + " other");
  redis_.cli("SET gameday:" + load_.key(31) + " " + load_.digest(1));
  redis_.cli("SET gameday:" + load_.key(900000) + " x");
  redis_.cli("SET gameday:another-facts-000001 x");
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(load_.found["lost"], std::set{load_.key(20)});
  EXPECT_EQ(load_.found["corrupt"], std::set{load_.key(30)});
  EXPECT_EQ(load_.found["stale"], std::set{load_.key(31)});
  EXPECT_EQ(load_.found["phantom"], std::set{load_.key(900000)});
  EXPECT_EQ(summary.duplicate, 0U);
  ASSERT_TRUE(load_.undo());
  EXPECT_EQ(rows(), "another-facts-000001 x");
}

TEST_F(RedisLoadOnRedisTest, WhatTheServerRefusesIsNotDone) {
  load_.start();
  load_.rest(milliseconds(300));
  redis_.cli("CONFIG SET maxmemory 1");
  load_.rest(milliseconds(500));
  load_.end();
  EXPECT_GT(load_.count(SampleOutcome::ok), 10U);
  EXPECT_GT(load_.count(SampleOutcome::refused), 10U);
  EXPECT_EQ(load_.count(SampleOutcome::unknown), 0U);
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.lost, 0U);
  EXPECT_EQ(summary.recovered, 0U);
}

// It stands still, and what it was sent meanwhile it may do later.
TEST_F(RedisLoadOnRedisTest, WhatIsNotAnsweredIsUnknown) {
  load_.spec().timeout = milliseconds(200);
  load_.start();
  load_.rest(milliseconds(300));
  redis_.signal(SIGSTOP);
  load_.rest(milliseconds(600));
  redis_.signal(SIGCONT);
  load_.end();
  EXPECT_GT(load_.count(SampleOutcome::unknown), 0U);
  EXPECT_EQ(load_.count(SampleOutcome::refused), 0U);
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.lost, 0U);
  EXPECT_GT(summary.recovered, 0U);
}

TEST_F(RedisLoadOnRedisTest, WhatItMayNotDoIsFoundBeforeAnythingIsTouched) {
  load_.prepare();
  EXPECT_TRUE(load_.may());
  for (const auto* right : {"set", "get", "del", "scan"}) {
    take(right);
    expect_error(load_.may(), ErrorCode::refused, "NOPERM");
    redis_.cli("ACL SETUSER gameday '+" + std::string(right) + "'");
  }
  EXPECT_EQ(rows(), "");
}

}  // namespace
}  // namespace gameday
