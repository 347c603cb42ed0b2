#include <fstream>

#include "drills/systems/sqlite_exchange.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/shop_database.h"

namespace gameday {

extern const RestoreRow sqlite_restore;

namespace {

class SqliteRestoreTest : public testing::Test {
 protected:
  void SetUp() override {
    make_database(path_, kEverything);
    world_.add_target("store", "sqlite", Json::object({{"path", path_}}));
  }

  const Target& target(const std::string& name = "store") { return *world_.system().target(name); }
  BackupTaken backup() {
    auto taken = sqlite_restore.backup(target(), world_.context("drill-backup"));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return *taken;
  }
  Restored scratch(const BackupTaken& from) {
    auto done = sqlite_restore.restore_scratch(target(), from, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return done.value_or(Restored{});
  }
  Undo prepared(const std::string& mark = "drill-1") {
    return sqlite_restore.prepare(target(), world_.context(mark)).value();
  }
  Restored place(const BackupTaken& from, const Undo& undo) {
    auto done = sqlite_restore.restore_place(target(), from, undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return done.value_or(Restored{});
  }
  bool gone(const Undo& undo) { return sqlite_restore.gone(undo, world_.context()).value().held; }
  Status undone(const Undo& undo) { return sqlite_restore.undo(undo, world_.context()); }
  std::string digest() {
    const auto state = read_state(path_, world_.context());
    return state ? state->content.digest : state.error().text;
  }
  static void flip_byte(const std::string& file, std::int64_t at) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const char changed = static_cast<char>(bytes.get() ^ 0x10);
    bytes.seekp(at);
    bytes.put(changed);
  }
  // Neither a scratch nor a place restore may call it verified, and the database stays as it is.
  void expect_found_out(const BackupTaken& from, const std::string& why) {
    const std::string before = digest();
    const Restored aside = scratch(from);
    EXPECT_FALSE(aside.verified);
    EXPECT_NE(aside.text.find(why), std::string::npos) << aside.text;
    const Undo undo = prepared();
    const Restored placed = place(from, undo);
    EXPECT_FALSE(placed.verified);
    EXPECT_NE(placed.text.find(why), std::string::npos) << placed.text;
    EXPECT_EQ(digest(), before);
    EXPECT_TRUE(undone(undo));
    EXPECT_TRUE(gone(undo));
    EXPECT_EQ(digest(), before);
    for (const auto& left : std::filesystem::directory_iterator(world_.private_folder())) {
      EXPECT_EQ(left.path().filename(), "backups");
    }
  }

  DeedWorld world_;
  std::string path_ = world_.file("store.db");
};

TEST_F(SqliteRestoreTest, ABackupSaysWhatItIsAndIsVerifiedInScratch) {
  const Utc start = world_.clock().now().utc;
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.target, "store");
  EXPECT_EQ(taken.sha256, file_sha256(taken.id).value());
  EXPECT_EQ(taken.digest, digest());
  EXPECT_GE(taken.taken, start);
  EXPECT_EQ(taken.facts.integer("rows", 0), 18);
  const Restored done = scratch(taken);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_FALSE(done.vacuous);
  EXPECT_GE(done.facts.number("age_s", -1), 0);
  for (const auto& left : std::filesystem::directory_iterator(world_.private_folder())) {
    EXPECT_EQ(left.path().filename(), "backups") << "the scratch copy must be erased";
  }
}

TEST_F(SqliteRestoreTest, IntoPlaceBringsTheBackupBackAndUndoWhatWasThere) {
  const BackupTaken taken = backup();
  change(path_, "DELETE FROM stock; INSERT INTO lines VALUES(1, 'later')");
  const std::string later = digest();
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_FALSE(done.vacuous);
  EXPECT_EQ(digest(), taken.digest);
  EXPECT_FALSE(gone(undo));
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(digest(), later);
  EXPECT_TRUE(gone(undo));
  EXPECT_TRUE(undone(undo));
  EXPECT_EQ(digest(), later);
}

TEST_F(SqliteRestoreTest, IntoADatabaseWhoseTablesWereLost) {
  const BackupTaken taken = backup();
  {
    auto database = Database::open(path_);
    ASSERT_TRUE(drop_content(*database));
  }
  const Restored done = place(taken, prepared());
  EXPECT_TRUE(done.verified) << done.text;
  EXPECT_FALSE(done.vacuous);
  EXPECT_EQ(done.facts.integer("rows_before", -1), 0);
  EXPECT_EQ(digest(), taken.digest);
}

TEST_F(SqliteRestoreTest, UnderALiveWriterNothingIsDamagedAndItGoesOn) {
  const BackupTaken taken = backup();
  LiveWriter writer(path_);
  while (writer.written() < 20) std::this_thread::yield();
  const Undo undo = prepared();
  const Restored done = place(taken, undo);
  EXPECT_TRUE(done.verified) << done.text;
  const int then = writer.written();
  while (writer.written() < then + 20) std::this_thread::yield();
  writer.end();
  EXPECT_EQ(writer.damaged(), 0);
  EXPECT_EQ(asked(path_, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM lines WHERE what IN ('first', 'second')"), "2");
  const int present = std::stoi(asked(path_, "SELECT count(*) FROM lines WHERE what LIKE 'live%'"));
  EXPECT_GE(present, 20);
  EXPECT_LT(present, writer.written()) << "what came before the cutover is gone";
  // Together with what was kept, no row that a writer was told to be there is missing.
  const std::string kept = undo.arguments.text("kept");
  EXPECT_EQ(std::stoi(asked(kept, "SELECT count(*) FROM lines WHERE what LIKE 'live%'")) + present,
            writer.written());
}

TEST_F(SqliteRestoreTest, WhatWritersAddedSinceIsNotUndoneAway) {
  const BackupTaken taken = backup();
  change(path_, "INSERT INTO lines VALUES(1, 'later')");
  const Undo undo = prepared();
  ASSERT_TRUE(place(taken, undo).verified);
  change(path_, "INSERT INTO lines VALUES(1, 'since')");
  const auto refused = undone(undo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM lines WHERE what = 'since'"), "1");
  EXPECT_TRUE(std::filesystem::exists(undo.arguments.text("kept")));
}

TEST_F(SqliteRestoreTest, RestoringWhatIsThereAlreadyIsVacuous) {
  const BackupTaken taken = backup();
  const Restored done = place(taken, prepared());
  EXPECT_TRUE(done.vacuous);
  EXPECT_EQ(done.text, "the database had the backup's content already");
}

TEST_F(SqliteRestoreTest, ABackupWithoutRowsIsVacuous) {
  for (const char* table : {"orders", "stock", "hidden", "strict_ones", "\"odd \"\"name\""}) {
    change(path_, std::string("DELETE FROM ") + table);
  }
  change(path_, "DROP TRIGGER logged; DELETE FROM lines; DELETE FROM log");
  const BackupTaken taken = backup();
  EXPECT_TRUE(scratch(taken).vacuous);
  change(path_, "INSERT INTO log VALUES('x')");
  EXPECT_TRUE(place(taken, prepared()).vacuous);
}

TEST_F(SqliteRestoreTest, AFlippedByteIsFoundOut) {
  const BackupTaken taken = backup();
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(taken.id));
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{30}, size / 2, size - 1}) {
    flip_byte(taken.id, at);
    expect_found_out(taken, "is not the file that was written");
    flip_byte(taken.id, at);
  }
  EXPECT_TRUE(scratch(taken).verified);
}

TEST_F(SqliteRestoreTest, ATruncatedOrMissingBackupIsFoundOut) {
  const BackupTaken taken = backup();
  std::filesystem::resize_file(taken.id, std::filesystem::file_size(taken.id) / 2);
  expect_found_out(taken, "is not the file that was written");
  std::filesystem::remove(taken.id);
  expect_found_out(taken, "No such file");
}

// The digest of the file is what the record says, so only reading what is in it can tell.
TEST_F(SqliteRestoreTest, ADamagedBackupWithARightFileDigestIsFoundOut) {
  BackupTaken taken = backup();
  std::filesystem::resize_file(taken.id, std::filesystem::file_size(taken.id) / 2);
  taken.sha256 = file_sha256(taken.id).value();
  expect_found_out(taken, "");
  taken = backup();
  change(taken.id, "UPDATE orders SET price = 2 WHERE id = 1");
  taken.sha256 = file_sha256(taken.id).value();
  expect_found_out(taken, "does not have the content that it had when taken");
}

TEST_F(SqliteRestoreTest, ForeignBackupsAreFoundOut) {
  const std::string other = world_.file("other.db");
  make_database(other, "CREATE TABLE other(x); INSERT INTO other VALUES(1)");
  world_.add_target("other", "sqlite", Json::object({{"path", other}}));
  const auto foreign = sqlite_restore.backup(target("other"), world_.context("foreign"));
  expect_found_out(*foreign, "is of sqlite:" + other);
  BackupTaken swapped = backup();
  std::filesystem::copy_file(foreign->id, swapped.id,
                             std::filesystem::copy_options::overwrite_existing);
  swapped.sha256 = file_sha256(swapped.id).value();
  expect_found_out(swapped, "has another schema than recorded");
}

TEST_F(SqliteRestoreTest, AStaleBackupRestoresAndTellsItsAge) {
  BackupTaken taken = backup();
  taken.taken -= std::chrono::hours(5);
  change(path_, "DELETE FROM log");
  const Restored done = place(taken, prepared());
  EXPECT_TRUE(done.verified);
  EXPECT_GE(done.facts.number("age_s", 0), 5 * 3600);
}

TEST_F(SqliteRestoreTest, DyingAnywhereLeavesTheOldOrTheNewAndUndoPutsTheOldBack) {
  const BackupTaken taken = backup();
  change(path_, "DELETE FROM stock");
  const std::string old = digest();
  int points = 0;
  for (bool died = true; died; ++points) {
    const std::string mark = "point-" + std::to_string(points);
    auto context = world_.context(mark);
    const Undo undo = prepared(mark);
    died = world_.dies_at(points, [&] {
      static_cast<void>(sqlite_restore.restore_place(target(), taken, undo, world_.context(mark)));
    });
    const std::string now = digest();
    ASSERT_TRUE(now == old || now == taken.digest) << "point " << points;
    for (int time = 0; time < 2; ++time) {
      ASSERT_TRUE(sqlite_restore.undo(undo, context)) << "point " << points;
      ASSERT_TRUE(sqlite_restore.gone(undo, context)->held) << "point " << points;
      ASSERT_EQ(digest(), old) << "point " << points;
    }
    ASSERT_TRUE(sqlite_restore.close(undo, false, context));
    for (const auto& left : std::filesystem::directory_iterator(world_.private_folder())) {
      ASSERT_EQ(left.path().filename(), "backups") << "point " << points;
    }
  }
  EXPECT_GT(points, 30);
}

}  // namespace
}  // namespace gameday
