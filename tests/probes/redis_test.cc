#include "tests/drills/redis_process.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow redis_probe;

namespace {

using namespace std::chrono_literals;

class RedisProbeTest : public ProbeTest {
 protected:
  RedisProbeTest() : ProbeTest(redis_probe) {}
};

TEST_F(RedisProbeTest, CheckRefusesWhatCannotBeMeant) {
  EXPECT_TRUE(problem("{ redis: front }").contains("front has no `redis` facet"));
  system_ += "  sessions: { redis: \"127.0.0.1:1\" }\n";
  EXPECT_TRUE(problem("{ redis: sessions, expect: { value: 1 } }").contains("no `key`"));
  EXPECT_TRUE(problem("{ redis: sessions, expect: { exists: true } }").contains("no `key`"));
  EXPECT_TRUE(problem("{ redis: sessions, expect: { keys: \"> many\" } }").contains("no number"));
  EXPECT_EQ(problem("{ redis: sessions, key: a, expect: { value: 1 } }"), "");
  system_ = "  plain: { redis: { address: \"127.0.0.1:1\", password: x } }\n";
  EXPECT_TRUE(problem("{ redis: plain }").contains("in plain"));
}

TEST_F(RedisProbeTest, WhoIsNotThereOrNeverAnswersIsNotGood) {
  const LoopbackSocket bound(SOCK_STREAM, false), silent(SOCK_STREAM);
  system_ = "  sessions: { redis: \"" + bound.address() + "\" }\n";
  expect_no_with("{ redis: sessions }", "Connection refused");
  system_ = "  sessions: { redis: \"" + silent.address() + "\" }\n";
  EXPECT_LT(after_stop(std::string("{ redis: sessions }")), 200ms);
  EXPECT_TRUE(ask("{ redis: sessions }", 100ms).text.contains("the deadline passed"));
}

TEST_F(RedisProbeTest, WhoSpeaksOtherwiseIsNotGood) {
  const AnswerServer server(http_answer(400, "no"));
  system_ = "  sessions: { redis: \"" + server.address() + "\" }\n";
  expect_no_with("{ redis: sessions }", "does not speak as Redis does");
}

class ProbeOnRedis : public RedisProbeTest {
 protected:
  void SetUp() override {
    redis_.fill();
    system_ = "  sessions: { redis: " + redis_.facet().dump() + " }\n";
  }
  static std::string expecting(const std::string& expect, const std::string& key = "") {
    return "{ redis: sessions, " + (key.empty() ? "" : "key: \"" + key + "\", ") + "expect: { " +
           expect + " } }";
  }

  RedisProcess redis_{world_.file("redis")};
};

TEST_F(ProbeOnRedis, AnsweringIsEnoughWhereNothingIsExpected) {
  const auto answer = ask("{ redis: sessions }");
  EXPECT_TRUE(answer.ok) << answer.text;
  EXPECT_TRUE(answer.text.starts_with("answered a PING in ")) << answer.text;
  expect_good(expecting("latency: 5s"));
  expect_no_with(expecting("latency: 1ns"), "at most 1ns");
}

TEST_F(ProbeOnRedis, AWrongPasswordIsNotGood) {
  redis_.cli("ACL SETUSER gameday resetpass '>another'");
  expect_no_with("{ redis: sessions }", "WRONGPASS");
}

TEST_F(ProbeOnRedis, KeysAreCountedAndCompared) {
  expect_good(expecting("keys: 4"));
  expect_no(expecting("keys: \"> 4\""), "expected > 4, but it has 4 keys");
  expect_good(expecting("exists: true", "list"));
  expect_no(expecting("exists: true", "none"), "none is not there");
  expect_no(expecting("exists: false", "a"), "a is there");
  expect_good(expecting("value: 1", "a"));
  expect_good(expecting("value: \"< 2\"", "a"));
  expect_no(expecting("value: 2", "a"), "expected == 2, but a is 1");
  expect_good(expecting("value: alice", "session:1"));
  expect_no(expecting("value: 1", "none"), "none is not there");
  expect_no_with(expecting("value: 1", "list"), "WRONGTYPE");
}

TEST_F(ProbeOnRedis, ReplicationIsJudgedFromBothSides) {
  expect_good(expecting("role: master, replicas: 0"));
  expect_no(expecting("role: replica"), "it is a master");
  expect_no_with(expecting("lag: 1s"), "does not stand");
  expect_no_with(expecting("lag_bytes: 1kB"), "no replica follows");
  RedisProcess replica(world_.file("replica"),
                       {"--replicaof", "127.0.0.1 " + std::to_string(redis_.port())});
  const std::string follows = expecting("role: master, replicas: 1, lag: 5s, lag_bytes: 1MB");
  const Instant end = world_.clock().in(10s);
  while (!ask(follows).ok && world_.clock().now().boot < end) {
    (void)world_.clock().sleep({{}, world_.clock().in(50ms)});
  }
  expect_good(follows);
  replica.signal(SIGSTOP);
  redis_.cli("SET big \"$(head -c 100000 /dev/zero | tr '\\0' x)\"");
  expect_no_with(expecting("lag_bytes: 1kB"), "bytes behind, at most 1kB");
  const Instant old = world_.clock().in(10s);
  while (ask(expecting("lag: 1s")).ok && world_.clock().now().boot < old) {
    (void)world_.clock().sleep({{}, world_.clock().in(100ms)});
  }
  expect_no_with(expecting("lag: 1s"), "s ago, at most 1s");
  replica.signal(SIGCONT);
  system_ = "  sessions: { redis: " + replica.facet().dump() + " }\n";
  expect_good(expecting("role: replica, lag: 30s"));
  redis_.stop();
  while (ask(expecting("lag: 30s")).ok && world_.clock().now().boot < old) {
    (void)world_.clock().sleep({{}, world_.clock().in(50ms)});
  }
  expect_no_with(expecting("lag: 30s"), "does not stand");
}

}  // namespace
}  // namespace gameday
