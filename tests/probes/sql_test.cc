#include "tests/drills/postgres_cluster.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow sql_probe;

namespace {

using namespace std::chrono_literals;

class SqlProbeTest : public ProbeTest {
 protected:
  SqlProbeTest() : ProbeTest(sql_probe) {}
};

TEST_F(SqlProbeTest, CheckRefusesWhatCannotBeMeant) {
  EXPECT_TRUE(problem("{ sql: nowhere, query: SELECT 1 }")
                  .contains("no target with a `postgres` facet is called nowhere"));
  EXPECT_TRUE(problem("{ sql: front, query: SELECT 1 }").contains("is called front"));
  EXPECT_TRUE(problem("{ sql: \"postgresql://u:plain@h/d\" }").contains("in plain"));
  EXPECT_TRUE(problem("{ sql: \"host=h no-such=1\" }").contains("no-such"));
  EXPECT_TRUE(problem("{ sql: \"host=h\", expect: { value: 1 } }").contains("no `query`"));
  EXPECT_TRUE(problem("{ sql: \"host=h\", query: SELECT 1, expect: { rows: \"> many\" } }")
                  .contains("is no number to be more or less than"));
  EXPECT_EQ(problem("{ sql: \"postgresql://u:${env:P}@h/d\", query: SELECT 1 }"), "");
}

TEST_F(SqlProbeTest, WhoIsNotThereIsNotGood) {
  const LoopbackSocket bound(SOCK_STREAM, false);
  const std::string asked =
      "{ sql: \"host=127.0.0.1 user=x dbname=x port=" + std::to_string(bound.port()) + "\" }";
  expect_no_with(asked, "Connection refused");
}

TEST_F(SqlProbeTest, WhoNeverAnswersIsNotGood) {
  const LoopbackSocket silent(SOCK_STREAM);
  const std::string asked =
      "{ sql: \"host=127.0.0.1 user=x dbname=x port=" + std::to_string(silent.port()) + "\" }";
  EXPECT_LT(after_stop(asked), 200ms);
  EXPECT_TRUE(ask(asked, 100ms).text.contains("the deadline passed"));
}

class SqlProbeOnPostgres : public SqlProbeTest {
 protected:
  void SetUp() override {
    cluster_.start();
    cluster_.make_shop();
    set_system(cluster_);
  }
  void set_system(const PostgresCluster& cluster, const std::string& user = "postgres") {
    system_ = "  database: { postgres: \"" + cluster.conninfo(user) + "\" }\n";
  }
  static std::string asking(const std::string& query, const std::string& expect = "") {
    return "{ sql: database, query: \"" + query + "\"" +
           (expect.empty() ? "" : ", expect: { " + expect + " }") + " }";
  }
  static std::string expecting(const std::string& expect) {
    return "{ sql: database, expect: { " + expect + " } }";
  }
  bool eventually_good(const std::string& probe) {
    const Instant end = world_.clock().in(10s);
    while (!ask(probe).ok) {
      if (world_.clock().now().boot > end) return false;
      (void)world_.clock().sleep({{}, world_.clock().in(20ms)});
    }
    return true;
  }

  PostgresCluster cluster_{world_.file("pg")};
};

TEST_F(SqlProbeOnPostgres, TakesNoLongerThanItMay) {
  expect_good(asking("SELECT 1", "latency: 5s"));
  expect_good(expecting("latency: 5s"));
  expect_no_with(expecting("latency: 1ns"), "at most 1ns");
  const auto slow = ask(asking("SELECT 1 FROM pg_sleep(0.3)", "value: 1, latency: 200ms"));
  EXPECT_FALSE(slow.ok);
  EXPECT_TRUE(slow.text.starts_with("the query gives 1")) << slow.text;
  EXPECT_TRUE(slow.text.ends_with(", at most 200ms")) << slow.text;
}

TEST_F(SqlProbeOnPostgres, OneValueIsCompared) {
  const auto answer = ask(asking("SELECT count(*) FROM sales.orders", "value: \"> 49\""));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "the query gives 50, > 49");
  expect_no(asking("SELECT count(*) FROM sales.orders", "value: \"> 50\""),
            "expected > 50, but the query gives 50");
  expect_good(asking("SELECT avg(price) FROM sales.orders", "value: 25.5"));
  expect_good(asking("SELECT key FROM sales.orders WHERE id = 1", "value: order-1"));
  expect_no(asking("SELECT NULL::int", "value: \"> 0\""), "expected > 0, but the query gives null");
  expect_good(asking("SELECT true", "value: true"));
  expect_no(asking("SELECT '1.10'::text", "value: \"1.1\""),
            "expected == 1.1, but the query gives 1.10");
  expect_no(asking("SELECT 'NaN'::numeric", "value: \"> 0\""),
            "expected > 0, but the query gives NaN");
}

TEST_F(SqlProbeOnPostgres, RowsAreCounted) {
  expect_no(asking("SELECT 1 WHERE false"), "the query gives no row");
  expect_good(asking("SELECT key FROM sales.orders", "rows: 50"));
  expect_no(asking("SELECT key FROM sales.orders", "rows: \"< 50\""),
            "expected < 50, but the query gives 50 rows");
  expect_good(asking("SELECT 1 WHERE false", "rows: 0"));
  expect_no(asking("SELECT key FROM sales.orders", "value: order-1"),
            "the query gives more than one row");
  EXPECT_EQ(ask(asking("SELECT key FROM sales.orders")).text, "the query gives 50 rows");
}

TEST_F(SqlProbeOnPostgres, NothingIsWritten) {
  expect_no_with(asking("DELETE FROM sales.lines"), "read-only transaction");
  expect_no_with(asking("SELECT 1; DELETE FROM sales.lines"), "multiple commands");
  expect_no_with(asking("WITH gone AS (DELETE FROM sales.lines RETURNING 1) SELECT * FROM gone"),
                 "read-only transaction");
  EXPECT_EQ(cluster_.psql("SELECT count(*) FROM sales.lines"), "10");
}

TEST_F(SqlProbeOnPostgres, AnErrorIsNotGood) {
  expect_no_with(asking("SELECT count(*) FROM invoices"), "42P01");
  EXPECT_LT(after_stop(asking("SELECT pg_sleep(30)")), 200ms);
  EXPECT_TRUE(ask(asking("SELECT pg_sleep(30)"), 300ms).text.contains("the deadline passed"));
}

TEST_F(SqlProbeOnPostgres, BeingLetInIsEnoughWithoutAQuery) {
  EXPECT_EQ(ask("{ sql: database }").text,
            "connected to shop at " + cluster_.folder() + ":" + cluster_.port());
  secrets_.learn("env:SHOP", "shop-secret");
  const std::string url = cluster_.url("shop", "${env:SHOP}");
  expect_good("{ sql: \"" + url + "\", query: SELECT 1 }");
  secrets_.learn("env:SHOP", "another");
  const auto refused = ask("{ sql: \"" + url + "\", query: SELECT 1 }");
  EXPECT_TRUE(refused.text.contains("28P01")) << refused.text;
  cluster_.change("ALTER ROLE shop NOLOGIN", "postgres");
  set_system(cluster_, "shop");
  expect_no_with("{ sql: database }", "not permitted to log in");
}

TEST_F(SqlProbeOnPostgres, AServerAloneHasNoLagToKeep) {
  expect_good(expecting("in_recovery: false"));
  expect_no(expecting("in_recovery: true"), "the server is not in recovery");
  expect_no(expecting("lag: 10s"), "no standby follows this server");
}

TEST_F(SqlProbeOnPostgres, AStandbysLagIsMeasured) {
  PostgresCluster primary(world_.file("primary"));
  PostgresCluster standby(world_.file("standby"), primary);
  primary.start();
  primary.make_shop();
  standby.start();
  set_system(standby);
  ASSERT_TRUE(eventually_good(expecting("in_recovery: true, lag: 5s, lag_bytes: 1KiB")));
  expect_no(expecting("in_recovery: false"), "the server is in recovery");
  EXPECT_TRUE(eventually_good(asking("SELECT count(*) FROM sales.orders", "value: 50, lag: 5s")));
  standby.change("SELECT pg_wal_replay_pause()");
  primary.change("INSERT INTO sales.lines SELECT 1, repeat('x', 100) FROM generate_series(1, 999)");
  const auto behind = [&] { return ask(expecting("lag_bytes: 1KiB")); };
  const Instant end = world_.clock().in(10s);
  while (behind().ok && world_.clock().now().boot < end) (void)behind();
  EXPECT_TRUE(behind().text.contains("bytes behind, at most 1KiB")) << behind().text;
  (void)world_.clock().sleep({{}, world_.clock().in(60ms)});
  expect_no_with(expecting("lag: 50ms"), "behind, at most 50ms");
  set_system(primary);
  expect_no_with(expecting("lag_bytes: 1KiB"), "bytes behind, at most 1KiB");
  expect_good(expecting("lag_bytes: 100MB"));
  primary.change("CREATE ROLE plain LOGIN");
  set_system(primary, "plain");
  expect_no_with(expecting("lag_bytes: 100MB"), "not in pg_monitor");
  // With its stream gone it has replayed all that it got, and is behind all the same.
  standby.change("SELECT pg_wal_replay_resume()");
  primary.stop();
  set_system(standby);
  const Instant late = world_.clock().in(10s);
  while (ask(expecting("lag: 10s")).ok && world_.clock().now().boot < late) continue;
  expect_no(expecting("lag: 10s"), "the standby receives nothing, so its lag is not known");
}

}  // namespace
}  // namespace gameday
