#include "drills/systems/sqlite_content.h"

#include "drills/systems/sqlite_exchange.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/shop_database.h"

namespace gameday {
namespace {

class SqliteContentTest : public testing::Test {
 protected:
  SqliteContent content(const std::string& path) {
    auto database = Database::open(path);
    auto read = read_content(*database);
    EXPECT_TRUE(read) << (read ? "" : read.error().text);
    return read.value_or(SqliteContent{});
  }
  std::string made(const std::string& name, const std::string& sql) {
    const std::string path = world_.file(name);
    make_database(path, sql);
    return path;
  }
  DeedWorld world_;
};

TEST_F(SqliteContentTest, EqualContentHasEqualDigests) {
  const auto one = content(made("one.db", kEverything));
  const auto two = content(made("two.db", kEverything));
  EXPECT_EQ(one.digest, two.digest);
  EXPECT_EQ(one.tables, 7);
  EXPECT_EQ(one.rows, 2 + 3 + 3 + 3 + 3 + 2 + 2);
}

TEST_F(SqliteContentTest, AnyDifferenceChangesTheDigest) {
  const auto whole = content(made("whole.db", kEverything));
  int number = 0;
  for (const char* difference :
       {"UPDATE orders SET price = 1.5000001 WHERE id = 1", "DELETE FROM log",
        "UPDATE orders SET note = NULL WHERE key = 'a'", "UPDATE orders SET key = 'A' WHERE id = 1",
        "UPDATE \"odd \"\"name\" SET rowid = 71 WHERE rowid = 70",
        "UPDATE \"odd \"\"name\" SET a = 1.0 WHERE rowid = 70",
        "UPDATE \"odd \"\"name\" SET a = x'31' WHERE rowid = 5", "DROP INDEX lines_what",
        "DROP TRIGGER logged", "DROP VIEW dear", "CREATE TABLE more(x)",
        "INSERT INTO hidden VALUES('r', 's', 't')", "ALTER TABLE log RENAME TO diary"}) {
    const std::string path = made("d" + std::to_string(number++) + ".db", kEverything);
    change(path, difference);
    EXPECT_NE(content(path).digest, whole.digest) << difference;
  }
}

TEST_F(SqliteContentTest, WhatFollowsFromTheRowsIsNoPartOfIt) {
  const std::string path = made("a.db", kEverything);
  const auto before = content(path);
  change(path, "ANALYZE");
  change(path, "REINDEX");
  EXPECT_EQ(content(path).digest, before.digest);
}

TEST_F(SqliteContentTest, WithoutAnythingTheDigestIsTheEmptyOne) {
  EXPECT_EQ(content(made("empty.db", "")).digest, empty_content_digest());
  const std::string path = made("a.db", kEverything);
  auto database = Database::open(path);
  ASSERT_TRUE(drop_content(*database));
  EXPECT_EQ(content(path).digest, empty_content_digest());
  EXPECT_EQ(content(path).tables, 0);
}

TEST_F(SqliteContentTest, WhatIsFilledFromACopyEqualsIt) {
  const std::string from = made("from.db", kEverything);
  const std::string to = made("to.db", "");
  auto database = Database::open(to);
  ASSERT_TRUE(database->execute("ATTACH '" + from + "' AS c"));
  ASSERT_TRUE(database->execute("PRAGMA ignore_check_constraints = ON"));
  const auto filled = fill_content(*database, "c");
  ASSERT_TRUE(filled) << filled.error().text;
  EXPECT_EQ(content(to).digest, content(from).digest);
  EXPECT_EQ(asked(to, "SELECT seq FROM sqlite_sequence WHERE name = 'orders'"), "3");
  EXPECT_EQ(asked(to, "PRAGMA user_version"), "42");
  EXPECT_EQ(asked(to, "SELECT count(*) FROM log"), "2") << "a trigger ran while filling";
  change(to, "INSERT INTO lines VALUES(1, 'x')");
  EXPECT_EQ(asked(to, "SELECT count(*) FROM log"), "3");
}

TEST_F(SqliteContentTest, WhatCannotBeWrittenAgainIsSaid) {
  const std::string fts = made("v.db", "CREATE VIRTUAL TABLE v USING fts5(text)");
  auto database = Database::open(fts);
  const auto refused = check_rewritable(*database);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  auto plain = Database::open(made("p.db", kEverything));
  EXPECT_TRUE(check_rewritable(*plain));
}

TEST_F(SqliteContentTest, DamageIsFound) {
  const std::string path = made("a.db", "CREATE TABLE t(x); CREATE INDEX i ON t(x)");
  change(path,
         "INSERT INTO t VALUES(1),(2),(3); PRAGMA writable_schema = ON;"
         "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'i'");
  auto database = Database::open(path);
  EXPECT_FALSE(check_integrity(*database));
}

TEST_F(SqliteContentTest, ACopyIsOnePrivateFileWithTheSameContent) {
  for (const std::string mode : {"wal", "delete"}) {
    const std::string path = world_.file(mode + ".db");
    make_database(path, kEverything, mode);
    const std::string copy = world_.file(mode + ".copy");
    const auto copied = copy_sqlite(path, copy, world_.context());
    ASSERT_TRUE(copied) << copied.error().text;
    EXPECT_EQ(copied->digest, content(path).digest);
    EXPECT_EQ(std::filesystem::status(copy).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    for (const char* end : {".part", "-wal", "-shm", "-journal"}) {
      EXPECT_FALSE(std::filesystem::exists(copy + end)) << end;
    }
  }
}

TEST_F(SqliteContentTest, AStopEndsTheWaitForALock) {
  const std::string path = world_.file("a.db");
  make_database(path, kEverything, "delete");
  auto holder = Database::open(path);
  ASSERT_TRUE(holder->execute("BEGIN EXCLUSIVE"));
  StopSource stop;
  world_.set_until({stop.stop(), world_.clock().in(std::chrono::seconds(30))});
  std::thread later([&] {
    static_cast<void>(world_.clock().pause(std::chrono::milliseconds(50),
                                           {{}, world_.clock().in(std::chrono::seconds(1))}));
    stop.request();
  });
  const Instant start = world_.clock().now().boot;
  const auto read = read_state(path, world_.context());
  const auto copied = copy_sqlite(path, world_.file("copy"), world_.context());
  later.join();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::stopped) << read.error().text;
  EXPECT_FALSE(copied);
  EXPECT_FALSE(std::filesystem::exists(world_.file("copy.part")));
  EXPECT_LT(world_.clock().now().boot - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace gameday
