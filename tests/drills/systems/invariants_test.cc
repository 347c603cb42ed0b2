// How the facets read an invariant: one value, without any chance to change what it is read from.
#include "engine/playbook/invariants.h"

#include <sys/stat.h>

#include "drills/systems/sqlite.h"
#include "tests/drills/postgres_fixture.h"
#include "tests/drills/shop_database.h"

namespace gameday {

extern const FacetRow postgres_facet;
extern const FacetRow sqlite_facet;

namespace {

using namespace std::chrono_literals;

constexpr const char* kForEver =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

class SqliteInvariants : public testing::Test {
 protected:
  void SetUp() override {
    make_database(path_,
                  "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance);"
                  "INSERT INTO accounts VALUES(1, 60), (2, 40)");
    world_.add_target("bank", "sqlite", Json::object({{"path", path_}}));
  }
  Result<Datum> value(const std::string& sql) {
    return sqlite_facet.value_of(world_.system().targets.front(), sql, world_.context());
  }
  void expect_wrong(const std::string& sql, const std::string& part) {
    const auto seen = value(sql);
    ASSERT_FALSE(seen) << sql;
    EXPECT_TRUE(seen.error().text.contains(part)) << seen.error().text;
    EXPECT_EQ(asked(path_, "SELECT count(*) || ' ' || sum(balance) FROM accounts"), "2 100");
  }

  DeedWorld world_;
  std::string path_ = world_.file("bank.db");
};

TEST_F(SqliteInvariants, AreOneValue) {
  const auto total = value("SELECT sum(balance) FROM accounts");
  ASSERT_TRUE(total) << total.error().text;
  EXPECT_EQ(total->text, "100");
  EXPECT_TRUE(total->is_number);
  EXPECT_EQ(value("SELECT 0.1 + 0.2")->text, "0.30000000000000004");
  EXPECT_TRUE(value("SELECT 0.5")->is_number);
  EXPECT_FALSE(value("SELECT 'idle'")->is_number);
  EXPECT_TRUE(value("SELECT sum(balance) FROM accounts WHERE id > 7")->is_null);
}

TEST_F(SqliteInvariants, ThatAreNoQuestionAreRefused) {
  const char* one = "one row of one column is wanted";
  expect_wrong("SELECT balance FROM accounts", one);
  expect_wrong("SELECT id, balance FROM accounts LIMIT 1", one);
  expect_wrong("SELECT balance FROM accounts WHERE id > 7", one);
  expect_wrong("SELECT 1; SELECT 2", "several statements");
  expect_wrong("DELETE FROM accounts RETURNING balance", "does more than to read");
  expect_wrong("DELETE FROM accounts", "does more than to read");
  expect_wrong("SELECT missing FROM accounts", "no such column");
  expect_wrong("SELECT FROM", "syntax error");
}

TEST_F(SqliteInvariants, ThatNeverEndAreEnded) {
  const Instant begun = world_.clock().now().boot;
  world_.set_until({{}, world_.clock().in(300ms)});
  const auto seen = value(kForEver);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::timed_out) << seen.error().text;
  EXPECT_LT(world_.clock().now().boot - begun, 10s);
}

class InvariantsOnPostgres : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    cluster_.change(
        "CREATE TABLE sales.accounts(id int PRIMARY KEY, balance numeric); INSERT INTO "
        "sales.accounts VALUES (1, 60.50), (2, 39.50)");
    // What the README says that one needs, and nothing else.
    (void)target_as("reader",
                    "REVOKE ALL ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO "
                    "reader; GRANT USAGE ON SCHEMA sales TO reader; GRANT SELECT ON sales.accounts "
                    "TO reader");
  }
  Result<Datum> value(const std::string& sql) {
    return postgres_facet.value_of(world_.system().targets.front(), sql, context());
  }
  void expect_wrong(const std::string& sql, const std::string& part) {
    const auto seen = value(sql);
    ASSERT_FALSE(seen) << sql;
    EXPECT_TRUE(seen.error().text.contains(part)) << seen.error().text;
    EXPECT_EQ(psql("SELECT count(*), sum(balance) FROM sales.accounts"), "2|100.00");
  }
};

TEST_F(InvariantsOnPostgres, AreOneValueForWhoMayReadIt) {
  const auto total = value("SELECT sum(balance) FROM sales.accounts");
  ASSERT_TRUE(total) << total.error().text;
  EXPECT_EQ(total->text, "100.00");
  EXPECT_TRUE(total->is_number);
  EXPECT_EQ(value("SELECT bool_and(balance >= 0) FROM sales.accounts")->text, "true");
  EXPECT_FALSE(value("SELECT 'idle'")->is_number);
  EXPECT_TRUE(value("SELECT sum(balance) FROM sales.accounts WHERE id > 7")->is_null);
  cluster_.change("REVOKE SELECT ON sales.accounts FROM reader");
  expect_wrong("SELECT sum(balance) FROM sales.accounts", "permission denied for table accounts");
  cluster_.change("GRANT SELECT ON sales.accounts TO reader");
  cluster_.change("REVOKE USAGE ON SCHEMA sales FROM reader");
  expect_wrong("SELECT sum(balance) FROM sales.accounts", "permission denied for schema sales");
  cluster_.change("REVOKE CONNECT ON DATABASE shop FROM reader");
  expect_wrong("SELECT 1", "permission denied for database");
}

TEST_F(InvariantsOnPostgres, ThatAreNoQuestionAreRefused) {
  cluster_.change("GRANT DELETE ON sales.accounts TO reader");
  const char* one = "one row of one column is wanted";
  expect_wrong("SELECT balance FROM sales.accounts", one);
  expect_wrong("SELECT id, balance FROM sales.accounts LIMIT 1", one);
  expect_wrong("SELECT balance FROM sales.accounts WHERE id > 7", one);
  expect_wrong("SELECT 1; SELECT 2", "multiple commands");
  expect_wrong("WITH gone AS (DELETE FROM sales.accounts RETURNING 1) SELECT count(*) FROM gone",
               "read-only transaction");
  expect_wrong("DELETE FROM sales.accounts", "read-only transaction");
  expect_wrong("COMMIT", one);
  expect_wrong("SET TRANSACTION READ WRITE", "must be set before any query");
  expect_wrong("SELECT nothing FROM sales.accounts", "does not exist");
  expect_wrong("SELECT FROM FROM", "syntax error");
}

// One that has ended its own transaction, or made it another one, does so for itself alone.
TEST_F(InvariantsOnPostgres, EachHasATransactionOfItsOwn) {
  cluster_.change("GRANT DELETE ON sales.accounts TO reader");
  const auto total = [](const char* name, const char* sql) {
    return Json::object({{"name", name}, {"sql", sql}, {"is", "2"}});
  };
  Target& bank = world_.system().targets.front();
  Json fields = bank.facets.get("postgres");
  fields.set("invariants",
             Json::array()
                 .push(total("writes", "SET TRANSACTION READ WRITE"))
                 .push(total("deletes",
                             "WITH gone AS (DELETE FROM sales.accounts RETURNING 1) SELECT "
                             "count(*) FROM gone"))
                 .push(total("reads", "SELECT count(*) FROM sales.accounts")));
  bank.facets.set("postgres", fields);
  const auto ask = [&](const std::string& sql, const DeedContext& here) {
    return postgres_facet.value_of(bank, sql, here);
  };
  const auto seen = read_invariants(bank, "postgres", ask, context());
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].holds);
  EXPECT_TRUE(seen[1].problem.contains("read-only transaction")) << seen[1].problem;
  EXPECT_TRUE(seen[2].holds) << shown(seen[2]);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.accounts"), "2");
}

TEST_F(InvariantsOnPostgres, ThatNeverEndAreEndedAtTheServerToo) {
  const Instant begun = world_.clock().now().boot;
  world_.set_until({{}, world_.clock().in(500ms)});
  const auto seen = value(kForEver);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::timed_out) << seen.error().text;
  EXPECT_LT(world_.clock().now().boot - begun, 10s);
  EXPECT_TRUE(eventually([&] {
    return psql(
               "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state = "
               "'active'") == "0";
  }));
}

}  // namespace
}  // namespace gameday
