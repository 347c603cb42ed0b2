#include "drills/systems/redis.h"

#include "tests/drills/redis_fixture.h"

namespace gameday {

extern const FacetRow redis_facet;

namespace {

TEST(RedisFacetTest, APlainPasswordIsRefused) {
  const auto place = [](const Json& facet) {
    Target target{.name = "r", .facets = {}, .region = "", .identity = "", .place = {}};
    target.facets = Json::object({{"redis", facet}});
    return redis_place_of(target);
  };
  Json facet = Json::object({{"address", "cache:1"}, {"password", "plain"}});
  ASSERT_FALSE(place(facet));
  EXPECT_EQ(place(facet).error().code, ErrorCode::refused);
  EXPECT_EQ(place(facet.set("password", "${env:P}"))->password, "${env:P}");
  EXPECT_EQ(place(Json::object({{"address", "a b/c"}})).error().code, ErrorCode::invalid);
  EXPECT_EQ(place(Json::object({{"address", "cache"}, {"user", "x"}})).error().code,
            ErrorCode::invalid);
}

TEST(RedisFacetTest, AnUndoWithoutItsServerIsCorrupt) {
  Json arguments = Json::object();
  EXPECT_EQ(redis_deed_from({"pause-redis", arguments}).error().code, ErrorCode::corrupt);
  arguments.set("server", Json::object({{"address", "cache"}}));
  EXPECT_EQ(redis_deed_from({"pause-redis", arguments}).error().code, ErrorCode::corrupt);
}

class FacetOnRedis : public RedisTest {};

TEST_F(FacetOnRedis, AnInstanceIsTheProcessByWhateverAddress) {
  for (const auto& at : {redis_.socket(), "127.0.0.1:" + std::to_string(redis_.port())}) {
    const auto instance = redis_facet.resolve(aim(redis_.facet(at)), context());
    ASSERT_TRUE(instance) << instance.error().text;
    EXPECT_EQ(instance->identity, "redis:" + redis_.run_id());
    EXPECT_EQ(instance->facts.text("role"), "master");
    EXPECT_TRUE(instance->facts.text("version").starts_with("7.")) << instance->facts.dump();
    EXPECT_EQ(instance->facts.integer("keys", 0), 4);
    EXPECT_EQ(instance->facts.text("replication_id").size(), 40u);
  }
  Json other = redis_.facet();
  EXPECT_EQ(redis_facet.resolve(aim(other.set("database", 1)), context())->facts.integer("keys", 0),
            1);
}

TEST_F(FacetOnRedis, WhoIsNotLetInHoldsNoRight) {
  const Target& target = aim(redis_.facet());
  EXPECT_TRUE(redis_facet.may(target, context()));
  redis_.cli("ACL SETUSER gameday resetpass '>another'");
  expect_error(redis_facet.may(target, context()), ErrorCode::refused, "WRONGPASS");
  expect_error(redis_facet.resolve(target, context()), ErrorCode::refused, "WRONGPASS");
}

TEST_F(FacetOnRedis, AnUndoFindsTheServerAgainWithoutThePlaybookOrAPassword) {
  const Deed deed{"step", "any", "sessions", Json::object()};
  auto prepared = prepare_redis(deed, context());
  ASSERT_TRUE(prepared) << prepared.error().text;
  const Json written = to_json(prepared->deed);
  EXPECT_FALSE(written.dump().contains(RedisProcess::kPassword)) << written.dump();
  world_.system().targets.clear();
  const auto read = redis_deed_from({"any", written});
  ASSERT_TRUE(read) << read.error().text;
  const auto found = find_redis(*read, context());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_FALSE(found->restarted);
}

TEST_F(FacetOnRedis, ASentinelIsNone) {
  redis_.stop();
  redis_.shell("echo 'port 0\nunixsocket " + world_.file("sentinel.s") + "' > " +
               world_.file("sentinel.conf") + "; chmod 644 " + world_.file("sentinel.conf"));
  const auto id = world_.doors().processes.start_detached(
      {{"redis-server", world_.file("sentinel.conf"), "--sentinel"}, world_.file(""), {}},
      world_.file("log"));
  ASSERT_TRUE(id);
  const Target& target = aim(Json::object({{"address", world_.file("sentinel.s")}}));
  const Instant end = world_.clock().in(std::chrono::seconds(10));
  while (!std::filesystem::exists(world_.file("sentinel.s")) && world_.clock().now().boot < end) {
    (void)world_.clock().pause(std::chrono::milliseconds(10), context().until);
  }
  expect_error(redis_facet.resolve(target, context()), ErrorCode::unsupported, "is a sentinel");
  (void)world_.doors().processes.signal(*id, SIGKILL);
  (void)world_.doors().processes.wait_gone(*id, context().until);
}

}  // namespace
}  // namespace gameday
