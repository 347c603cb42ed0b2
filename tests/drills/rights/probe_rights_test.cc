// Each probe with exactly the rights that the README asks for, and without each of them: then it
// names what is lacking, and does not read as if the system were down. (`queue` stands beside
// RabbitMQ's rows, `container` beside Docker's.)
#include <sys/stat.h>

#include <fstream>

#include "all_rows.h"
#include "engine/base/digest.h"
#include "tests/drills/postgres_pair.h"
#include "tests/drills/redis_process.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/postgres_rights.h"
#include "tests/drills/s3_process.h"

namespace gameday {
namespace {

Answer answer(const std::string& probe, const Json& arguments, DeedWorld& world) {
  world.set_until({{}, world.clock().in(std::chrono::seconds(30))});
  return all_rows().probe(probe)->ask(arguments, world.context());
}
void expect_good(const Answer& answer) { EXPECT_TRUE(answer.ok) << answer.text; }
void expect_lacks(const Answer& answer, const std::string& right) {
  EXPECT_FALSE(answer.ok) << "nobody has missed " << right;
  EXPECT_TRUE(answer.text.contains(right)) << right << ": " << answer.text;
}
Json expecting(const Json& arguments, const std::vector<Json::Member>& members) {
  Json expect = Json::object();
  for (const auto& [name, value] : members) expect.set(name, value);
  return Json(arguments).set("expect", expect);
}

class ProbeRightsOnPostgres : public PostgresPairTest {
 protected:
  // What the primary has written is there at the standby too.
  void expect_followed() {
    const std::string end = told_by(primary_, "SELECT pg_current_wal_insert_lsn()");
    EXPECT_TRUE(eventually([&] {
      return told_by(standby_, "SELECT pg_last_wal_replay_lsn() >= '" + end + "'") == "t";
    }));
  }
  void expect_each_needed(const Json& arguments, const std::vector<PostgresRightTold>& rights) {
    const std::string role = "probe_" + std::to_string(++roles_);
    SCOPED_TRACE(arguments.dump());
    const bool far = arguments.text("connection") == "standby";
    (void)told_by(primary_, "CREATE ROLE " + role + " LOGIN");
    aim(role);
    for (const auto& right : rights) (void)told_by(primary_, with_role(right.grant, role));
    for (const auto& right : rights) {
      (void)told_by(primary_, with_role(right.revoke, role));
      if (far) expect_followed();
      expect_lacks(answer("sql", arguments, world_), right.missed);
      (void)told_by(primary_, with_role(right.grant, role));
    }
    if (far) expect_followed();
    expect_good(answer("sql", arguments, world_));
  }

  int roles_ = 0;
};

TEST_F(ProbeRightsOnPostgres, AreEnoughAndEachIsMissed) {
  leave_nothing_to_public(primary_);
  const Json primary = Json::object({{"connection", "primary"}});
  const Json standby = Json::object({{"connection", "standby"}});
  const auto enter = connecting();
  expect_each_needed(expecting(primary, {{"in_recovery", false}, {"latency", "20s"}}), {enter});
  expect_each_needed(
      expecting(Json(primary).set("query", "SELECT count(*) FROM sales.orders"),
                {{"value", "> 0"}}),
      {enter, granted("USAGE", "USAGE ON SCHEMA sales", "permission denied for schema sales"),
       granted("SELECT", "SELECT ON sales.orders", "permission denied for table orders")});
  const std::vector<Json::Member> near{{"lag", "1h"}, {"lag_bytes", "1GiB"}};
  expect_each_needed(expecting(primary, near),
                     {enter, granted("pg_monitor", "pg_monitor", "not in pg_monitor")});
  expect_each_needed(expecting(standby, near), {enter});
}

class ProbeRightsOnRedis : public testing::Test {
 protected:
  void expect_each_needed(const Json& arguments, const std::vector<std::string>& rules,
                          int database = 0) {
    SCOPED_TRACE(arguments.dump());
    world_.system().targets.clear();
    world_.add_target("sessions", "redis", redis_.facet().set("database", database));
    const Json asked = Json(arguments).set("target", "sessions");
    const auto become = [&](const std::string& without) {
      std::string all;
      for (const auto& rule : rules) all += rule == without ? "" : " '" + rule + "'";
      const std::string password = RedisProcess::kPassword;
      ASSERT_EQ(redis_.cli("ACL SETUSER gameday reset on '>" + password + "'" + all), "OK");
    };
    for (const auto& rule : rules) {
      become(rule);
      const std::string word = rule.substr(1);
      expect_lacks(answer("redis", asked, world_),
                   rule.starts_with('+') ? "'" + word + "' command" : "NOPERM");
    }
    become("");
    expect_good(answer("redis", asked, world_));
  }

  DeedWorld world_;
  RedisProcess redis_{world_.file("redis")};
};

TEST_F(ProbeRightsOnRedis, AreEnoughAndEachIsMissed) {
  redis_.fill();
  const Json none = Json::object();
  const Json key = Json::object({{"key", "a"}});
  expect_each_needed(expecting(none, {{"latency", "20s"}}), {"+ping"});
  expect_each_needed(expecting(none, {{"role", "master"}, {"replicas", 0}}), {"+ping", "+info"});
  expect_each_needed(expecting(none, {{"keys", "> 0"}}), {"+ping", "+dbsize"});
  expect_each_needed(expecting(key, {{"exists", true}}), {"+ping", "+exists", "~a"});
  expect_each_needed(expecting(key, {{"value", 1}}), {"+ping", "+get", "~a"});
  expect_each_needed(expecting(none, {{"keys", "> 0"}}), {"+ping", "+dbsize", "+select"}, 1);
}

class ProbeRightsOnS3 : public testing::Test {
 protected:
  void SetUp() override {
    server_.fill();
    server_.add_account("gameday", "ofgameday");
    setenv("GAMEDAY_S3_SECRET", "ofgameday", 1);
    Json facet = server_.facet();
    facet.set("access_key", "gameday").set("secret_key", "${env:GAMEDAY_S3_SECRET}");
    world_.add_target("archive", "s3", facet);
  }
  void expect_each_needed(const Json& arguments, const std::vector<std::string>& rights) {
    SCOPED_TRACE(arguments.dump());
    const Json asked = Json(arguments).set("target", "archive");
    const auto become = [&](const std::string& without) {
      // A policy that allows nothing is none.
      std::string actions = "\"s3:GetBucketVersioning\"";
      for (const auto& right : rights) actions += right == without ? "" : ",\"" + right + "\"";
      server_.set_policy(
          R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["gameday"]},)"
          R"("Action":[)" +
          actions + R"(],"Resource":["arn:aws:s3:::kept","arn:aws:s3:::kept/kept/*"]}]})");
    };
    for (const auto& right : rights) {
      become(right);
      expect_lacks(answer("s3-object", asked, world_), right + ": ");
    }
    become("");
    expect_good(answer("s3-object", asked, world_));
  }

  DeedWorld world_;
  S3Process server_{world_.file("s3")};
};

TEST_F(ProbeRightsOnS3, AreEnoughAndEachIsMissed) {
  const Json one = Json::object({{"key", "kept/one"}});
  expect_each_needed(expecting(Json::object(), {{"count", 2}, {"age", "1h"}}),
                     {"s3:ListBucket", "s3:GetObject"});
  expect_each_needed(expecting(one, {{"digest", sha256("second")}, {"lock", "none"}}),
                     {"s3:GetObject"});
}

// Nobody needs to be anybody for what everybody may see.
TEST(ProbeRights, OfThisMachine) {
  DeedWorld ours;
  std::filesystem::create_directory(ours.file("closed"));
  std::ofstream(ours.file("closed/backup")) << "of the night\n";
  EXPECT_EQ(chmod(ours.file("").c_str(), 0755), 0);
  EXPECT_EQ(chmod(ours.file("closed").c_str(), 0700), 0);
  as_user(kNobody, {}, [&] {
    DeedWorld world;
    const Json none = Json::object();
    expect_good(answer("memory", expecting(none, {{"available_at_least", "1MiB"}}), world));
    const auto disk = [&](const std::string& path) {
      return answer("disk", expecting(Json::object({{"path", path}}), {{"used_at_most", "100%"}}),
                    world);
    };
    expect_good(disk("/"));
    expect_lacks(disk(ours.file("closed/backup")), "Permission denied");
    for (const bool exists : {true, false}) {
      const Json file = Json::object({{"path", ours.file("closed/backup")}});
      expect_lacks(answer("file", expecting(file, {{"exists", exists}}), world),
                   "Permission denied");
    }
  });
}

TEST(ProbeRights, AreToldInTheReadme) {
  std::ifstream file(GAMEDAY_SOURCE_DIR "/README.md");
  const std::string readme((std::istreambuf_iterator<char>(file)), {});
  const auto begin = readme.find("\nProbes read: ");
  ASSERT_NE(begin, readme.npos);
  const std::string told = readme.substr(begin, readme.find("\n\n", begin + 1) - begin);
  for (const char* right :
       {"the engine's socket", "`management`", "PING", "INFO", "DBSIZE", "EXISTS", "GET", "SELECT",
        "`s3:ListBucket`", "`s3:GetObject`", "CONNECT", "`pg_monitor`"}) {
    EXPECT_TRUE(told.contains(right)) << right << " is not in: " << told;
  }
}

}  // namespace
}  // namespace gameday
