// What breaks an invariant does not verify, whatever its digests say: a backup of a transfer that
// was half done is a good backup of bad data.
#include "drills/systems/sqlite.h"
#include "tests/drills/postgres_archive_fixture.h"
#include "tests/drills/postgres_fixture.h"
#include "tests/drills/shop_database.h"

namespace gameday {

extern const RestoreRow postgres_restore;
extern const RestoreRow sqlite_restore;

namespace {

Json total_of(const std::string& table) {
  return Json::array().push(Json::object({{"name", "total"},
                                          {"sql", "SELECT sum(balance) FROM " + table},
                                          {"is", "unchanged"},
                                          {"timeout", "10s"}}));
}
// What it was when the drill began.
std::vector<InvariantSeen> begun_with(const std::string& target, const std::string& total) {
  return {{.target = target,
           .name = "total",
           .must = "unchanged",
           .value = {total, true, false},
           .problem = "",
           .holds = true}};
}
void expect_broken(const Restored& restored, const std::string& words) {
  EXPECT_FALSE(restored.verified);
  EXPECT_TRUE(restored.text.contains(words)) << restored.text;
  ASSERT_EQ(restored.invariants.size(), 1u);
  EXPECT_FALSE(restored.invariants.front().holds);
}
void expect_held(const Restored& restored) {
  EXPECT_TRUE(restored.verified) << restored.text;
  ASSERT_EQ(restored.invariants.size(), 1u);
  EXPECT_TRUE(restored.invariants.front().holds) << restored.text;
}

class SqliteBank : public testing::Test {
 protected:
  void SetUp() override {
    make_database(path_,
                  "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance);"
                  "INSERT INTO accounts VALUES(1, 60), (2, 40)");
    std::filesystem::create_directories(world_.private_folder());
    world_.add_target("bank", "sqlite",
                      Json::object({{"path", path_}, {"invariants", total_of("accounts")}}));
  }
  const Target& bank() { return world_.system().targets.front(); }
  DeedContext context(const std::string& mark = "drill-1") {
    DeedContext made = world_.context(mark);
    made.begun = begun_;
    return made;
  }
  BackupTaken backup(const std::string& mark) {
    auto taken = sqlite_restore.backup(bank(), context(mark));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  std::string balances() { return asked(path_, "SELECT group_concat(balance) FROM accounts"); }

  DeedWorld world_;
  std::string path_ = world_.file("bank.db");
  std::vector<InvariantSeen> begun_ = begun_with("bank", "100");
};

TEST_F(SqliteBank, ItsTotalHoldsInAnOlderBackupToo) {
  const BackupTaken taken = backup("older");
  change(path_,
         "UPDATE accounts SET balance = balance - 10 WHERE id = 1;"
         "UPDATE accounts SET balance = balance + 10 WHERE id = 2");
  const auto aside = sqlite_restore.restore_scratch(bank(), taken, context());
  ASSERT_TRUE(aside) << aside.error().text;
  expect_held(*aside);
  EXPECT_EQ(aside->invariants.front().value.text, "100");
  const Undo undo = sqlite_restore.prepare(bank(), context()).value();
  const auto placed = sqlite_restore.restore_place(bank(), taken, undo, context());
  ASSERT_TRUE(placed) << placed.error().text;
  expect_held(*placed);
  EXPECT_EQ(balances(), "60,40");
}

TEST_F(SqliteBank, AHalfDoneTransferDoesNotComeBack) {
  change(path_, "UPDATE accounts SET balance = balance - 10 WHERE id = 1");
  const BackupTaken taken = backup("half");
  change(path_, "UPDATE accounts SET balance = balance + 10 WHERE id = 2");
  const std::string words = "expected unchanged: 100, but it is 90";
  const auto aside = sqlite_restore.restore_scratch(bank(), taken, context());
  ASSERT_TRUE(aside) << aside.error().text;
  expect_broken(*aside, words);
  const Undo undo = sqlite_restore.prepare(bank(), context()).value();
  const auto placed = sqlite_restore.restore_place(bank(), taken, undo, context());
  ASSERT_TRUE(placed) << placed.error().text;
  expect_broken(*placed, words);
  EXPECT_EQ(balances(), "50,50") << "it took the place of what was good";
  EXPECT_TRUE(sqlite_restore.undo(undo, context()));
  EXPECT_TRUE(sqlite_restore.gone(undo, context())->held);
  for (const auto& left : std::filesystem::directory_iterator(world_.private_folder())) {
    EXPECT_EQ(left.path().filename(), "backups") << "a copy is left";
  }
}

TEST_F(SqliteBank, WhatCannotBeReadInItDoesNotVerify) {
  change(path_, "ALTER TABLE accounts RENAME TO customers");
  const auto aside = sqlite_restore.restore_scratch(bank(), backup("renamed"), context());
  ASSERT_TRUE(aside) << aside.error().text;
  expect_broken(*aside, "cannot be read: ");
}

class BankOnPostgres : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    cluster_.change(
        "CREATE TABLE sales.accounts(id int PRIMARY KEY, balance numeric); INSERT INTO "
        "sales.accounts VALUES (1, 60), (2, 40)");
    Target& bank = target(cluster_.conninfo());
    bank.facets =
        Json::object({{"postgres", Json::object({{"connection", cluster_.conninfo()},
                                                 {"invariants", total_of("sales.accounts")}})}});
  }
  const Target& bank() { return world_.system().targets.front(); }
  DeedContext here(const std::string& mark = "drill-1") {
    DeedContext made = context(mark);
    made.begun = begun_;
    return made;
  }
  BackupTaken backup(const std::string& mark) {
    auto taken = postgres_restore.backup(bank(), here(mark));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Restored aside(const BackupTaken& taken) {
    const Deed deed{"step", "restore", "database", Json::object()};
    const Undo undo = postgres_restore.prepare_scratch(deed, taken, here()).value();
    auto restored = postgres_restore.fill_scratch(taken, undo, here());
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    EXPECT_TRUE(postgres_restore.undo(undo, here()));
    return restored.value_or(Restored{});
  }
  Restored placed(const BackupTaken& taken) {
    undo_ = postgres_restore.prepare(bank(), here()).value();
    auto restored = postgres_restore.restore_place(bank(), taken, undo_, here());
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    return restored.value_or(Restored{});
  }
  std::string balances() const {
    return psql("SELECT string_agg(balance::text, ',' ORDER BY id) FROM sales.accounts");
  }
  std::string databases() const {
    return psql("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database");
  }

  std::vector<InvariantSeen> begun_ = begun_with("database", "100");
  Undo undo_;
};

TEST_F(BankOnPostgres, ItsTotalHoldsInAnOlderBackupToo) {
  const BackupTaken taken = backup("older");
  cluster_.change(
      "UPDATE sales.accounts SET balance = balance + CASE id WHEN 1 THEN -10 ELSE 10 END");
  expect_held(aside(taken));
  expect_held(placed(taken));
  EXPECT_EQ(balances(), "60,40");
}

TEST_F(BankOnPostgres, AHalfDoneTransferDoesNotComeBack) {
  cluster_.change("DELETE FROM sales.accounts WHERE id = 2");
  const BackupTaken taken = backup("half");
  cluster_.change("INSERT INTO sales.accounts VALUES (2, 40)");
  const std::string words = "expected unchanged: 100, but it is 60";
  expect_broken(aside(taken), words);
  expect_broken(placed(taken), words);
  EXPECT_EQ(balances(), "60,40") << "it took the place of what was good";
  EXPECT_EQ(databases(), "postgres,shop,template0,template1") << "a database is left";
  EXPECT_TRUE(postgres_restore.undo(undo_, here()));
  EXPECT_TRUE(postgres_restore.gone(undo_, here())->held);
  EXPECT_EQ(balances(), "60,40");
}

class RecoveredBankOnPostgres : public PostgresArchiveTest {
 protected:
  void SetUp() override {
    PostgresArchiveTest::SetUp();
    cluster_.change(
        "CREATE TABLE sales.accounts(id int PRIMARY KEY, balance numeric); INSERT INTO "
        "sales.accounts VALUES (1, 60), (2, 40)");
    world_.system().targets.front().facets =
        Json::object({{"postgres", Json::object({{"connection", cluster_.conninfo()},
                                                 {"invariants", total_of("sales.accounts")}})}});
  }
  Restored recovered(const BackupTaken& taken) {
    DeedContext here = context("restore-1");
    here.begun = begun_;
    const auto undo = prepared(taken, "backup");
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    if (!undo) return {};
    const auto filled = row().fill_scratch(taken, *undo, here);
    EXPECT_TRUE(filled) << (filled ? "" : filled.error().text);
    expect_undone(*undo);
    return filled.value_or(Restored{});
  }

  std::vector<InvariantSeen> begun_ = begun_with("database", "100");
};

// Of the target that it is the archive of.
TEST_F(RecoveredBankOnPostgres, ItsTotalIsReadInWhatIsRecovered) {
  const BackupTaken good = backup();
  expect_held(recovered(good));
  cluster_.change("DELETE FROM sales.accounts WHERE id = 2");
  const BackupTaken half = backup("backup-2");
  const Restored broken = recovered(half);
  expect_broken(broken, "invariant total of database: expected unchanged: 100, but it is 60");
  EXPECT_FALSE(broken.vacuous);
}

}  // namespace
}  // namespace gameday
