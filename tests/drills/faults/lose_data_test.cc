#include <sys/mount.h>

#include "drills/systems/sqlite_exchange.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/shop_database.h"

namespace gameday {

extern const FaultRow lose_data_fault;

namespace {

class LoseDataTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    make_database(path_, kEverything, GetParam());
    world_.add_target("store", "sqlite", Json::object({{"path", path_}}));
    before_ = digest();
  }

  std::string digest() {
    const auto state = read_state(path_, world_.context());
    return state ? state->content.digest : state.error().text;
  }
  Undo prepared() { return lose_data_fault.prepare(deed_, world_.context()).value(); }
  void inject(const Undo& undo) {
    const auto done = lose_data_fault.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  bool bitten(const Undo& undo) {
    return lose_data_fault.prove(deed_, undo, world_.context()).value().held;
  }
  bool gone(const Undo& undo) { return lose_data_fault.gone(undo, world_.context()).value().held; }
  Status undone(const Undo& undo) { return lose_data_fault.undo(undo, world_.context()); }
  std::string kept(const Undo& undo) { return undo.arguments.text("kept"); }

  DeedWorld world_;
  std::string path_ = world_.file("store.db");
  Deed deed_{.id = "lost", .kind = "lose-data", .target = "store", .arguments = Json::object()};
  std::string before_;
};

INSTANTIATE_TEST_SUITE_P(JournalModes, LoseDataTest, testing::Values("wal", "delete"));

TEST_P(LoseDataTest, LeavesAValidDatabaseWithoutTablesAndPutsItAllBack) {
  const Undo undo = prepared();
  EXPECT_EQ(digest(), before_) << "preparing must change nothing";
  EXPECT_FALSE(bitten(undo));
  inject(undo);
  EXPECT_TRUE(bitten(undo));
  EXPECT_FALSE(gone(undo));
  EXPECT_EQ(digest(), empty_content_digest());
  EXPECT_EQ(asked(path_, "PRAGMA journal_mode"), GetParam());
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_FALSE(bitten(undo));
  EXPECT_EQ(digest(), before_);
}

TEST_P(LoseDataTest, AWriterThatHoldsItOpenIsBittenAndGoesOnAfterwards) {
  const Undo undo = prepared();
  LiveWriter writer(path_);
  const auto wrote = [&](int more) {
    const int from = writer.written();
    const Instant end = world_.clock().in(std::chrono::seconds(10));
    while (writer.written() < from + more && world_.clock().now().boot < end) {
      std::this_thread::yield();
    }
    return writer.written() >= from + more;
  };
  ASSERT_TRUE(wrote(20));
  inject(undo);
  const int refused = writer.refused();
  while (writer.refused() < refused + 20) std::this_thread::yield();
  EXPECT_TRUE(bitten(undo)) << "a writer must not fill it again";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(wrote(20));
  EXPECT_TRUE(undone(undo)) << "undoing twice, with rows written in between, harms nothing";
  EXPECT_TRUE(gone(undo));
  writer.end();
  EXPECT_EQ(writer.damaged(), 0);
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM lines WHERE what LIKE 'live%'"),
            std::to_string(writer.written()))
      << "no row that a writer was told to be there is lost";
}

TEST_P(LoseDataTest, UndoWithoutInjectHarmsNothing) {
  const Undo undo = prepared();
  change(path_, "INSERT INTO lines VALUES(1, 'meanwhile')");
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM lines"), "3");
}

TEST_P(LoseDataTest, DyingAnywhereLeavesWhatUndoCanPutBack) {
  int points = 0;
  for (bool died = true; died; ++points) {
    // What writers do after the death must neither be lost nor stand in the way.
    const std::string mark = "point-" + std::to_string(points);
    auto context = world_.context(mark);
    const Undo undo = lose_data_fault.prepare(deed_, context).value();
    const std::string row = "INSERT INTO lines VALUES(2, '" + mark + "')";
    died = world_.dies_at(points, [&] {
      static_cast<void>(lose_data_fault.inject(deed_, undo, world_.context(mark)));
    });
    const bool lost = bitten(undo);
    if (!lost) change(path_, row);
    for (int time = 0; time < 2; ++time) {
      const auto put_back = lose_data_fault.undo(undo, context);
      ASSERT_TRUE(put_back) << "point " << points << ": " << put_back.error().text;
      const auto looked = lose_data_fault.gone(undo, context);
      ASSERT_TRUE(looked && looked->held) << "point " << points;
    }
    if (lost) change(path_, row);
    ASSERT_EQ(asked(path_, "SELECT count(*) FROM lines"), std::to_string(3 + points));
    ASSERT_TRUE(lose_data_fault.close(undo, false, context));
    ASSERT_TRUE(std::filesystem::is_empty(world_.private_folder())) << "point " << points;
  }
  EXPECT_GT(points, 15);
}

TEST_P(LoseDataTest, DyingAnywhereInTheUndoIsMadeGoodByTheNextOne) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const std::string mark = "point-" + std::to_string(points);
    auto context = world_.context(mark);
    const Undo undo = lose_data_fault.prepare(deed_, context).value();
    inject(undo);
    died = world_.dies_at(
        points, [&] { static_cast<void>(lose_data_fault.undo(undo, world_.context(mark))); });
    ASSERT_TRUE(lose_data_fault.undo(undo, context)) << "point " << points;
    ASSERT_EQ(digest(), before_) << "point " << points;
    ASSERT_TRUE(lose_data_fault.close(undo, false, context));
  }
  EXPECT_GT(points, 15);
}

TEST_P(LoseDataTest, WhatSomebodyWroteThereIsNotOverwritten) {
  const Undo undo = prepared();
  inject(undo);
  change(path_, "CREATE TABLE orders(other TEXT)");
  const std::string theirs = digest();
  const auto refused = undone(undo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().text.find(path_), std::string::npos);
  EXPECT_NE(refused.error().text.find(kept(undo)), std::string::npos);
  EXPECT_EQ(digest(), theirs);
  EXPECT_FALSE(gone(undo));
  EXPECT_TRUE(std::filesystem::exists(kept(undo)));
}

TEST_P(LoseDataTest, AChangedSavedCopyIsNotPutBack) {
  const Undo undo = prepared();
  inject(undo);
  change(kept(undo), "DELETE FROM stock");
  const auto refused = undone(undo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
  EXPECT_EQ(digest(), empty_content_digest());
}

TEST_P(LoseDataTest, AMissingSavedCopyIsNoSuccess) {
  const Undo undo = prepared();
  inject(undo);
  std::filesystem::remove(kept(undo));
  const auto refused = undone(undo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  EXPECT_FALSE(gone(undo));
}

TEST_P(LoseDataTest, CloseErasesTheSavedCopyUnlessItIsToBeKept) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(undone(undo));
  ASSERT_TRUE(lose_data_fault.close(undo, true, world_.context()));
  EXPECT_TRUE(std::filesystem::exists(kept(undo)));
  ASSERT_TRUE(lose_data_fault.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_P(LoseDataTest, TheUndoStandsOnItsOwnAsJson) {
  const Undo undo = prepared();
  inject(undo);
  const Undo again = undo_from(Json::parse(to_json(undo).dump()).value()).value();
  world_.system().targets.clear();
  ASSERT_TRUE(undone(again));
  EXPECT_EQ(digest(), before_);
}

TEST_P(LoseDataTest, ADatabaseWithoutTablesIsRefused) {
  const std::string empty = world_.file("empty.db");
  make_database(empty, "");
  world_.add_target("nothing", "sqlite", Json::object({{"path", empty}}));
  Deed deed = deed_;
  deed.target = "nothing";
  EXPECT_EQ(lose_data_fault.prepare(deed, world_.context()).error().code, ErrorCode::refused);
}

TEST_P(LoseDataTest, WhereTheCopyDoesNotFitNothingIsLost) {
  const std::string disk = world_.private_folder();
  std::filesystem::create_directory(disk);
  if (mount("none", disk.c_str(), "tmpfs", 0, "size=1536k") != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  struct Unmount {
    const std::string& of;
    ~Unmount() { umount2(of.c_str(), MNT_DETACH); }
  } const unmount{disk};
  const Undo undo = prepared();
  // It grows after the look at the space that is left.
  change(path_, "INSERT INTO lines VALUES(1, zeroblob(3000000))");
  const std::string now = digest();
  const auto done = lose_data_fault.inject(deed_, undo, world_.context());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::no_space) << done.error().text;
  EXPECT_EQ(digest(), now);
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(lose_data_fault.prepare(deed_, world_.context()).error().code, ErrorCode::no_space);
}

}  // namespace
}  // namespace gameday
