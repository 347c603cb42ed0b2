#include "engine/sys/sqlite.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

namespace gameday {
namespace {

using namespace std::chrono_literals;

class Sqlite : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gameday-sqlite-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Database made(const std::string& name, const std::string& sql, WriteObserver observer = {}) {
    auto database = Database::open(
        file(name), {.mode = DatabaseMode::create, .busy = 20ms, .observer = std::move(observer)});
    EXPECT_TRUE(database);
    EXPECT_TRUE(database->execute(sql));
    return std::move(*database);
  }
  Until within(Duration d) const { return {Stop(), clock_.in(d)}; }

  SystemClock clock_;
  std::string folder_;
};

constexpr const char* kFill =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000)"
    " INSERT INTO t SELECT i || ' and some bytes to fill pages' FROM n;";
const std::string kNumbers = std::string("CREATE TABLE t(x); ") + kFill;
constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";

TEST_F(Sqlite, AnUnchangingFileIsReadWithoutAnythingBesideIt) {
  const std::string name = "a%41?b#c.db";
  (void)made(name, "PRAGMA journal_mode = WAL; CREATE TABLE t(x); INSERT INTO t VALUES (7)");
  auto database = Database::open(file(name), {.mode = DatabaseMode::unchanging});
  ASSERT_TRUE(database);
  EXPECT_EQ(database->integer("SELECT x FROM t"), 7);
  EXPECT_EQ(database->execute("INSERT INTO t VALUES (8)").error().code, ErrorCode::refused);
  EXPECT_FALSE(std::filesystem::exists(file(name + "-wal")));
  EXPECT_FALSE(std::filesystem::exists(file(name + "-shm")));
  auto gone = Database::open(file("gone.db"), {.mode = DatabaseMode::unchanging});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
}

TEST_F(Sqlite, ValuesComeBackWithTheirTypes) {
  auto database = made("a.db", "CREATE TABLE t(a, b, c, d, e);");
  auto insert = database.prepare("INSERT INTO t VALUES (?,?,?,?,?)");
  ASSERT_TRUE(insert);
  const std::string bytes("x\0y", 3);
  insert->bind(1, 42).bind_real(2, 1.5).bind_text(3, "").bind_blob(4, bytes).bind_null(5);
  ASSERT_TRUE(insert->run());
  EXPECT_EQ(database.changes(), 1);
  auto rows = database.prepare("SELECT a, b, c, d, e AS last FROM t");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->step(), true);
  EXPECT_EQ(rows->columns(), 5);
  EXPECT_EQ(rows->name(4), "last");
  const ColumnType types[] = {ColumnType::integer, ColumnType::real, ColumnType::text,
                              ColumnType::blob, ColumnType::null};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rows->type(i), types[i]) << i;
  EXPECT_EQ(rows->integer(0), 42);
  EXPECT_EQ(rows->real(1), 1.5);
  EXPECT_EQ(rows->text(2), "");
  EXPECT_EQ(rows->text(3), bytes);
  EXPECT_EQ(rows->step(), false);
}

TEST_F(Sqlite, AFileThatIsNotThereIsNotFoundUnlessItMayBeMade) {
  for (const auto mode : {DatabaseMode::existing, DatabaseMode::read_only}) {
    const auto opened = Database::open(file("none.db"), {.mode = mode});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::not_found);
    EXPECT_NE(opened.error().text.find("unable to open database file"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(file("none.db")));
}

TEST_F(Sqlite, AFileThatIsNoDatabaseIsCorruptAtItsFirstUse) {
  std::ofstream(file("text.db")) << std::string(2000, 'x');
  auto opened = Database::open(file("text.db"));
  ASSERT_TRUE(opened);
  const auto asked = opened->integer("SELECT count(*) FROM sqlite_schema");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ErrorCode::corrupt);
}

TEST_F(Sqlite, AReadOnlyConnectionRefusesToWrite) {
  made("a.db", "CREATE TABLE t(x);");
  auto database = Database::open(file("a.db"), {.mode = DatabaseMode::read_only});
  ASSERT_TRUE(database);
  const auto written = database->execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::refused);
}

TEST_F(Sqlite, AQuestionIsOneStatementThatReadsRows) {
  auto database = Database::open(file("a.db"), {.mode = DatabaseMode::create}).value();
  ASSERT_TRUE(database.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  const auto wrong = [&](std::string_view sql) {
    const auto question = database.prepare_question(sql);
    return question ? "" : question.error().text;
  };
  EXPECT_EQ(wrong("SELECT x FROM t; -- no more"), "");
  EXPECT_EQ(wrong("-- nothing"), "there is no statement in the query");
  EXPECT_EQ(wrong("SELECT 1; DELETE FROM t"), "the query has several statements");
  for (const char* sql : {"DELETE FROM t", "DELETE FROM t RETURNING x", "BEGIN", "DROP TABLE t"}) {
    EXPECT_EQ(wrong(sql), "the query does more than to read rows") << sql;
  }
  EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 1);
  auto large = database.prepare_question("SELECT zeroblob(900000000)");
  EXPECT_FALSE(large && large->step());
}

TEST_F(Sqlite, ALockHeldByAnotherIsAConflict) {
  auto one = made("a.db", "CREATE TABLE t(x);");
  auto two = Database::open(file("a.db"), {.busy = 20ms});
  ASSERT_TRUE(two);
  auto held = Transaction::begin(one);
  ASSERT_TRUE(held);
  const auto refused = Transaction::begin(*two);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  ASSERT_TRUE(held->commit());
  EXPECT_TRUE(Transaction::begin(*two));
}

TEST_F(Sqlite, ATransactionThatIsNotCommittedIsRolledBack) {
  auto database = made("a.db", "CREATE TABLE t(x);");
  {
    auto transaction = Transaction::begin(database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database.execute("INSERT INTO t VALUES (1)"));
  }
  EXPECT_FALSE(database.in_transaction());
  EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 0);
  auto transaction = Transaction::begin(database);
  ASSERT_TRUE(database.execute("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 1);
}

TEST_F(Sqlite, AFullDatabaseIsNoSpace) {
  auto database = made("a.db", "CREATE TABLE t(x); PRAGMA max_page_count=4;");
  const auto written = database.execute(kFill);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::no_space);
  EXPECT_NE(written.error().text.find("(SQLite code 13)"), std::string::npos);
}

TEST_F(Sqlite, AStopEndsARunningStatement) {
  auto database = made("a.db", "CREATE TABLE t(x);");
  StopSource source;
  const Database::Limit limit(database, {source.stop(), clock_.in(60s)}, clock_);
  std::thread other([&] { source.request(); });
  const Instant before = clock_.now().boot;
  const auto asked = database.integer(kEndless);
  other.join();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ErrorCode::stopped);
  EXPECT_LT(clock_.now().boot - before, 10s);
}

TEST_F(Sqlite, ADeadlineEndsAStatementAndTheNextOneIsFree) {
  auto database = made("a.db", "CREATE TABLE t(x);");
  {
    const Database::Limit limit(database, within(10ms), clock_);
    const auto asked = database.integer(kEndless);
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, ErrorCode::timed_out);
  }
  EXPECT_EQ(database.integer("SELECT 7"), 7);
}

TEST_F(Sqlite, AStopEndsTheWaitForALock) {
  auto one = made("a.db", "CREATE TABLE t(x);");
  auto two = Database::open(file("a.db"), {.busy = 60s});
  auto held = Transaction::begin(one);
  ASSERT_TRUE(held);
  StopSource source;
  const Database::Limit limit(*two, {source.stop(), clock_.in(60s)}, clock_);
  std::thread other([&] {
    static_cast<void>(clock_.pause(20ms, within(1s)));
    source.request();
  });
  const auto refused = Transaction::begin(*two);
  other.join();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::stopped);
}

TEST_F(Sqlite, ACopyReplacesWhatWasThereForOpenReadersToo) {
  auto source = made("a.db", kNumbers);
  auto destination = made("b.db", "CREATE TABLE other(y);");
  auto reader = Database::open(file("b.db"));
  ASSERT_TRUE(reader->integer("SELECT count(*) FROM other"));
  ASSERT_TRUE(source.copy_to(destination, within(30s), clock_));
  EXPECT_EQ(reader->integer("SELECT count(*) FROM t"), 20000);
  EXPECT_FALSE(reader->integer("SELECT count(*) FROM other"));
  EXPECT_EQ(destination.text("PRAGMA integrity_check"), "ok");
}

TEST_F(Sqlite, ACopyInWalModeIsOfOneMoment) {
  auto source = made("a.db", "PRAGMA journal_mode=WAL;" + kNumbers);
  auto writer = Database::open(file("a.db"));
  auto destination = made("b.db", "");
  int writes = 0;
  // Each look at the clock between two steps is a foreign commit, which must not start it again.
  struct WritingClock : SystemClock {
    Database* by = nullptr;
    int* count = nullptr;
    Now now() const override {
      if (by->execute("INSERT INTO t VALUES (1)")) ++*count;
      return SystemClock::now();
    }
  } writing;
  writing.by = &*writer;
  writing.count = &writes;
  ASSERT_TRUE(source.copy_to(destination, within(30s), writing));
  EXPECT_GT(writes, 2);
  EXPECT_EQ(destination.integer("SELECT count(*) FROM t"), 20000);
  EXPECT_FALSE(source.in_transaction());
}

TEST_F(Sqlite, ACopyWaitsForALockAndStopsThere) {
  auto source = made("a.db", kNumbers);
  auto destination = made("b.db", "CREATE TABLE old(x);");
  auto other = Database::open(file("b.db"));
  {
    auto held = Transaction::begin(*other);
    ASSERT_TRUE(held);
    const auto late = source.copy_to(destination, within(20ms), clock_);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::timed_out);
    StopSource stop;
    stop.request();
    const auto stopped = source.copy_to(destination, {stop.stop(), clock_.in(60s)}, clock_);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::stopped);
  }
  EXPECT_EQ(destination.integer("SELECT count(*) FROM old"), 0);
  ASSERT_TRUE(source.copy_to(destination, within(30s), clock_));
  EXPECT_FALSE(destination.integer("SELECT count(*) FROM old"));
}

// Between the question and the copy nobody else can write, and who wrote before it is noticed.
TEST_F(Sqlite, ACopyAsksOnceTheDestinationIsItsOwn) {
  for (const std::string mode : {"delete", "wal"}) {
    auto source = made("a" + mode, kNumbers);
    auto destination = made("b" + mode, "PRAGMA journal_mode=" + mode + ";CREATE TABLE old(x);");
    auto other = Database::open(file("b" + mode), {.busy = 0ms});
    ASSERT_EQ(destination.integer("SELECT count(*) FROM old"), 0);
    const auto seen = destination.data_version();
    bool asked = false;
    const auto unchanged = [&]() -> Status {
      asked = true;
      EXPECT_FALSE(other->execute("INSERT INTO old VALUES(2)"));
      return destination.data_version() == seen ? Status{} : fail(ErrorCode::refused, "changed");
    };
    ASSERT_TRUE(other->execute("INSERT INTO old VALUES(1)"));
    const auto refused = source.copy_to(destination, within(30s), clock_, unchanged);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(asked);
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_EQ(other->integer("SELECT count(*) FROM old"), 1);
    const auto now = destination.data_version();
    ASSERT_TRUE(source.copy_to(destination, within(30s), clock_, [&]() -> Status {
      return destination.data_version() == now ? Status{} : fail(ErrorCode::refused, "changed");
    }));
    EXPECT_EQ(other->integer("SELECT count(*) FROM t"), 20000);
  }
}

TEST_F(Sqlite, AStoppedCopyLeavesTheDestinationAsItWas) {
  auto source = made("a.db", kNumbers);
  auto destination = made("b.db", "CREATE TABLE old(x);");
  StopSource stop;
  stop.request();
  ASSERT_FALSE(source.copy_to(destination, {stop.stop(), clock_.in(60s)}, clock_));
  EXPECT_EQ(destination.integer("SELECT count(*) FROM old"), 0);
}

TEST_F(Sqlite, TheObserverIsToldOfWritesAndCommitsOnly) {
  std::string told;
  auto database = made("a.db", "", [&](std::string_view door, Side side) {
    EXPECT_EQ(door, "sqlite");
    told += side == Side::before ? '<' : '>';
  });
  told.clear();
  ASSERT_TRUE(database.execute("CREATE TABLE t(x)"));
  EXPECT_EQ(told, "<>");
  told.clear();
  ASSERT_TRUE(database.integer("SELECT count(*) FROM t"));
  EXPECT_EQ(told, "");
  auto transaction = Transaction::begin(database);
  told.clear();
  ASSERT_TRUE(database.execute("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(told, "<><>");
}

TEST_F(Sqlite, NoDescriptorSurvivesAnExec) {
  auto database = made("a.db", "PRAGMA journal_mode=WAL;" + kNumbers);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code failed;
    const auto target = std::filesystem::read_symlink(entry.path(), failed);
    if (failed || !target.string().starts_with(folder_)) continue;
    ++files;
    EXPECT_NE(fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0) << target;
  }
  EXPECT_GE(files, 3);
}

TEST_F(Sqlite, AStatementKeepsItsConnection) {
  std::optional<Statement> statement;
  {
    auto database = made("a.db", "CREATE TABLE t(x); INSERT INTO t VALUES (5);");
    auto prepared = database.prepare("SELECT x FROM t");
    ASSERT_TRUE(prepared);
    statement.emplace(std::move(*prepared));
  }
  ASSERT_EQ(statement->step(), true);
  EXPECT_EQ(statement->integer(0), 5);
}

}  // namespace
}  // namespace gameday
