#include <sys/stat.h>

#include "tests/drills/shop_database.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow sqlite_probe;

namespace {

using namespace std::chrono_literals;

class SqliteProbeTest : public ProbeTest {
 protected:
  SqliteProbeTest() : ProbeTest(sqlite_probe) {}

  void SetUp() override { make_database(database(), kEverything, "delete"); }
  std::string database() const { return world_.file("store.db"); }
  static std::string asking(const std::string& query, const std::string& expect = "") {
    return "{ sqlite: store.db, query: \"" + query + "\"" +
           (expect.empty() ? "" : ", expect: \"" + expect + "\"") + " }";
  }
};

TEST_F(SqliteProbeTest, OneValueIsCompared) {
  const auto answer = ask(asking("SELECT count(*) FROM orders", "> 1"));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "the query gives 2, > 1");
  expect_no(asking("SELECT count(*) FROM orders", "> 2"), "expected > 2, but the query gives 2");
  expect_good(asking("SELECT max(price) FROM orders", "20"));
  expect_no(asking("SELECT key FROM orders WHERE id = 1", "b"),
            "expected == b, but the query gives a");
  expect_good(asking("SELECT note FROM orders WHERE id = 2", "null"));
  expect_no(asking("SELECT note FROM orders WHERE id = 2", "> 0"),
            "expected > 0, but the query gives null");
  expect_good(asking("SELECT 0.996", ">= 99.5%"));
  expect_no(asking("SELECT 61", "<= 1m"), "expected <= 1m, but the query gives 61");
}

TEST_F(SqliteProbeTest, WithoutExpectARowIsEnough) {
  const auto answer = ask(asking("SELECT key FROM orders WHERE id = 1"));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "the query gives a");
}

TEST_F(SqliteProbeTest, ItIsOneRow) {
  expect_no(asking("SELECT key FROM orders WHERE id = 9"), "the query gives no row");
  expect_no(asking("SELECT key FROM orders"), "the query gives more than one row");
}

TEST_F(SqliteProbeTest, AMissingDatabaseIsNotMade) {
  std::filesystem::remove(database());
  expect_no_with(asking("SELECT 1"), "No such file or directory");
  EXPECT_FALSE(std::filesystem::exists(database()));
}

TEST_F(SqliteProbeTest, WhatIsNoDatabaseIsNot) {
  write("store.db", std::string(4096, 'x'));
  expect_no_with(asking("SELECT count(*) FROM orders"), "file is not a database");
  std::filesystem::remove(database());
  ASSERT_EQ(mkfifo(database().c_str(), 0600), 0);
  expect_no(asking("SELECT 1"), database() + " is no database file");
}

TEST_F(SqliteProbeTest, AMissingTableIsNot) {
  expect_no_with(asking("SELECT count(*) FROM invoices"), "no such table: invoices");
}

TEST_F(SqliteProbeTest, ALockedDatabaseIsNot) {
  auto holder = Database::open(database()).value();
  ASSERT_TRUE(holder.execute("BEGIN EXCLUSIVE"));
  const auto answer = ask(asking("SELECT count(*) FROM orders"), 100ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.contains("the deadline passed")) << answer.text;
  EXPECT_LT(after_stop(asking("SELECT count(*) FROM orders")), 200ms);
}

TEST_F(SqliteProbeTest, AQueryWithoutEndIsNot) {
  const std::string endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
  const auto answer = ask(asking(endless), 100ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.contains("the deadline passed")) << answer.text;
  EXPECT_LT(after_stop(asking(endless)), 200ms);
}

TEST_F(SqliteProbeTest, AValueWithoutBoundsIsNot) {
  expect_no_with(asking("SELECT zeroblob(900000000)"), "too big");
}

TEST_F(SqliteProbeTest, NothingIsWritten) {
  expect_no(asking("DELETE FROM orders"), "the query does more than to read rows");
  expect_no(asking("DELETE FROM lines RETURNING what"), "the query does more than to read rows");
  expect_no(asking("ATTACH 'other.db' AS other"), "the query does more than to read rows");
  expect_no(asking("SELECT 1; DELETE FROM orders"), "the query has several statements");
  expect_no(asking("-- nothing"), "there is no statement in the query");
  expect_good(asking("SELECT 1; -- no more"));
  EXPECT_EQ(gameday::asked(database(), "SELECT count(*) FROM lines"), "2");
}

TEST_F(SqliteProbeTest, InWalModeItReadsBesideAWriter) {
  change(database(), "PRAGMA journal_mode = wal");
  auto writer = Database::open(database()).value();
  ASSERT_TRUE(writer.execute("BEGIN IMMEDIATE; INSERT INTO log VALUES('x')"));
  expect_good(asking("SELECT count(*) FROM log", "2"));
  ASSERT_TRUE(writer.execute("COMMIT"));
  expect_good(asking("SELECT count(*) FROM log", "3"));
}

TEST_F(SqliteProbeTest, CheckRefusesWhatCannotBeMeant) {
  EXPECT_TRUE(problem("{ sqlite: store.db }").contains("missing `query`"));
  EXPECT_TRUE(
      problem(asking("SELECT 1", "> many")).contains("is no number to be more or less than"));
  EXPECT_TRUE(problem(asking("SELECT 1", "== 010")).contains("'010' has a zero in front"));
  const std::string plain = "{ sqlite: store.db, query: SELECT 1, expect: ";
  EXPECT_TRUE(problem(plain + "010 }").contains("a number without a zero in front"));
  EXPECT_EQ(problem(plain + "\"010\" }"), "") << "a text";
}

}  // namespace
}  // namespace gameday
