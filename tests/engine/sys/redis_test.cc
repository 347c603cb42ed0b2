#include "engine/sys/redis.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/drills/deed_world.h"
#include "tests/drills/redis_process.h"
#include "tests/drills/silent_peer.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(RedisAddressTest, ReadsHostsPortsAndPaths) {
  const auto read = [](const char* text) { return redis_address_of(text).value(); };
  EXPECT_EQ(read("cache").host, "cache");
  EXPECT_EQ(read("cache").port, 6379);
  EXPECT_EQ(read("cache:7").port, 7);
  EXPECT_EQ(read("[::1]:7").host, "::1");
  EXPECT_EQ(read("[::1]:7").port, 7);
  EXPECT_EQ(read("[::1]").port, 6379);
  EXPECT_EQ(read("/run/redis/s").socket, "/run/redis/s");
  EXPECT_EQ(shown(read("[::1]:7")), "Redis at [::1]:7");
}

TEST(RedisAddressTest, RefusesWhatIsNone) {
  for (const char* wrong : {"", ":1", "cache:", "cache:x", "cache:0", "cache:70000", "::1",
                            "redis://cache", "[::1", "[::1]7", "[::1]:", "run/s"}) {
    const auto address = redis_address_of(wrong);
    ASSERT_FALSE(address) << wrong;
    EXPECT_EQ(address.error().code, ErrorCode::invalid);
  }
}

// A peer that takes a connection and never speaks.
TEST(RedisSilentTest, EndsWithItsStopAndItsDeadline) {
  DeedWorld world;
  const SilentPeer silent;
  for (const bool tls : {false, true}) {
    auto address = redis_address_of(silent.address()).value();
    address.tls = tls;
    address.password = "x";
    StopSource stop;
    std::jthread stopper([&] {
      (void)world.clock().sleep({{}, world.clock().in(50ms)});
      stop.request();
    });
    Instant begun = world.clock().now().boot;
    auto stopped = Redis::connect(address, world.clock(), {stop.stop(), world.clock().in(30s)});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::stopped) << stopped.error().text;
    EXPECT_LT(world.clock().now().boot - begun, 250ms);
    begun = world.clock().now().boot;
    auto late = Redis::connect(address, world.clock(), {{}, world.clock().in(100ms)});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::timed_out) << late.error().text;
    EXPECT_LT(world.clock().now().boot - begun, 300ms);
  }
}

TEST(RedisSilentTest, NobodyThereIsAnErrorThatNamesThem) {
  DeedWorld world;
  const auto refused =
      Redis::connect(redis_address_of("127.0.0.1:1").value(), world.clock(), world.context().until);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text.contains("127.0.0.1:1")) << refused.error().text;
}

class DoorOnRedis : public testing::Test {
 protected:
  RedisAddress as_user(const std::string& at = "") const {
    auto address = redis_address_of(at.empty() ? redis_.socket() : at).value();
    address.user = "gameday";
    address.password = RedisProcess::kPassword;
    return address;
  }
  Result<Redis> connect(const RedisAddress& address, Duration patience = 30s) {
    return Redis::connect(address, world_.clock(), {stop_.stop(), world_.clock().in(patience)},
                          [this](std::string_view door, Side) { told_ += door; });
  }
  Redis connected(Duration patience = 30s) {
    auto redis = connect(as_user(), patience);
    EXPECT_TRUE(redis) << (redis ? "" : redis.error().text);
    return std::move(*redis);
  }

  DeedWorld world_;
  RedisProcess redis_{world_.file("redis")};
  StopSource stop_;
  std::string told_;
};

TEST_F(DoorOnRedis, SpeaksByBothKindsOfSocket) {
  redis_.cli("SET a 'x y'");
  for (const auto& at : {redis_.socket(), "127.0.0.1:" + std::to_string(redis_.port())}) {
    auto redis = connect(as_user(at));
    ASSERT_TRUE(redis) << redis.error().text;
    EXPECT_EQ(redis->ask({"GET", "a"})->text, "x y");
    EXPECT_TRUE(redis->ask({"GET", "b"})->is_nothing());
  }
  auto other = as_user();
  other.database = 3;
  auto redis = connect(other);
  EXPECT_TRUE(redis->ask({"GET", "a"})->is_nothing()) << "it is in another database";
  EXPECT_EQ(told_, "") << "nothing was changed";
}

TEST_F(DoorOnRedis, WhoIsNotLetInIsRefused) {
  auto address = as_user();
  address.password = "wrong";
  auto wrong = connect(address);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::refused);
  EXPECT_TRUE(wrong.error().text.contains("WRONGPASS")) << wrong.error().text;
  EXPECT_FALSE(wrong.error().text.contains("wrong\"")) << "the password is in it";
  redis_.cli("CONFIG SET requirepass secret");
  auto nobody = connect(redis_address_of(redis_.socket()).value());
  ASSERT_TRUE(nobody) << "it has not been asked anything yet";
  EXPECT_EQ(nobody->ask({"GET", "a"}).error().code, ErrorCode::refused);
  address = redis_address_of(redis_.socket()).value();
  address.password = "secret";
  EXPECT_TRUE(connect(address)) << "the default user, by a password alone";
  auto redis = connected();
  EXPECT_EQ(redis.ask({"FLUSHALL"}).error().code, ErrorCode::refused);
  EXPECT_EQ(redis.ask({"NO-SUCH"}).error().code, ErrorCode::unsupported);
}

TEST_F(DoorOnRedis, WhatIsChangedIsToldToTheObserver) {
  auto redis = connected();
  EXPECT_TRUE(redis.change({"SET", "a", "1"}));
  EXPECT_EQ(told_, "redisredis");
  const RedisCommand both[] = {{"SET", "a", "2"}, {"GET", "a"}};
  EXPECT_EQ(redis.change_all(both)->back().text, "2");
  EXPECT_EQ(told_, "redisredisredisredis");
}

TEST_F(DoorOnRedis, ATransactionIsDoneWholeOrNotAtAll) {
  auto redis = connected();
  const RedisCommand both[] = {{"SET", "a", "2"}, {"GET", "a"}};
  EXPECT_EQ(redis.transact(both)->at(1).text, "2");
  const RedisCommand refused[] = {{"SET", "a", "3"}, {"FLUSHALL"}};
  EXPECT_EQ(redis.transact(refused).error().code, ErrorCode::refused);
  EXPECT_EQ(redis_.cli("GET a"), "2");
  ASSERT_TRUE(redis.ask({"WATCH", "a"}));
  redis_.cli("SET a 4");
  EXPECT_EQ(redis.transact(both).error().code, ErrorCode::conflict);
  EXPECT_EQ(redis_.cli("GET a"), "4");
}

TEST_F(DoorOnRedis, WhatWeMayIsAskedWithoutDoingIt) {
  redis_.cli("SET a 1");
  auto redis = connected();
  // As the server finds wrong once it has found that we may.
  const RedisCommand fine[] = {{"SET", "a", "2", "NX", "XX"}, {"SWAPDB", "gameday", "1"}};
  const auto held = redis.may(fine);
  EXPECT_TRUE(held) << held.error().text;
  const RedisCommand wrong[] = {{"DEL", "nobody"}, {"FLUSHALL", "NEVER"}};
  const auto refused = redis.may(wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_TRUE(refused.error().text.contains("FLUSHALL NEVER")) << refused.error().text;
  const RedisCommand unknown[] = {{"GAMEDAY"}};
  EXPECT_EQ(redis.may(unknown).error().code, ErrorCode::unsupported);
  EXPECT_EQ(redis_.cli("GET a"), "1");
}

TEST_F(DoorOnRedis, AnAnswerThatDoesNotComeIsNotWaitedFor) {
  const RedisCommand count{"PFCOUNT", "nobody"};
  bool worked = false;
  const auto work = [&]() -> Status {
    worked = true;
    return {};
  };
  EXPECT_TRUE(connected().answers_while(count, work, 5s).value());
  EXPECT_TRUE(worked);
  const auto failing = [] { return Status(fail(ErrorCode::no_space, "the work")); };
  EXPECT_EQ(connected().answers_while(count, failing, 5s).error().code, ErrorCode::no_space);
  redis_.cli("ACL SETUSER gameday -pfcount");
  EXPECT_EQ(connected().answers_while(count, work, 5s).error().code, ErrorCode::refused);
  redis_.cli("ACL SETUSER gameday +pfcount");
  redis_.cli("CLIENT PAUSE 60000 WRITE");
  auto held = connected();
  EXPECT_FALSE(held.answers_while(count, work, 50ms).value());
  EXPECT_FALSE(held.ask({"PING"})) << "an answer to another question may come on it";
  auto late = connected(500ms);
  EXPECT_EQ(late.answers_while(count, work, 20s).error().code, ErrorCode::timed_out);
}

TEST_F(DoorOnRedis, ByTlsTheServerMustBeTrusted) {
  const std::string made = redis_.shell(
      "cd " + world_.file("redis") +
      " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "
      "/CN=localhost "
      "-addext subjectAltName=DNS:localhost -keyout k.pem -out c.pem 2>&1 && echo made");
  ASSERT_TRUE(made.ends_with("made")) << made;
  const std::string port = std::to_string(PostgresCluster::free_port());
  const std::string set =
      redis_.cli("CONFIG SET tls-cert-file " + world_.file("redis/c.pem") + " tls-key-file " +
                 world_.file("redis/k.pem") + " tls-auth-clients no tls-port " + port);
  ASSERT_EQ(set, "OK");
  auto address = as_user("localhost:" + port);
  address.tls = true;
  EXPECT_EQ(connect(address).error().code, ErrorCode::refused) << "nobody vouches for it";
  address.ca = world_.file("redis/c.pem");
  auto redis = connect(address);
  ASSERT_TRUE(redis) << redis.error().text;
  redis_.cli("SET big \"$(head -c 200000 /dev/zero | tr '\\0' x)\"");
  EXPECT_EQ(redis->ask({"PING"})->text, "PONG");
  ASSERT_TRUE(redis->change({"SET", "big", std::string(1 << 20, 'y')}));
  EXPECT_EQ(redis->ask({"GET", "big"})->text, std::string(1 << 20, 'y'));
  address.host = "127.0.0.1";
  EXPECT_EQ(connect(address).error().code, ErrorCode::refused) << "it is not for that name";
  auto local = as_user();
  local.tls = true;
  EXPECT_EQ(connect(local).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace gameday
