#include "drills/systems/sqlite_image.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/shop_database.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

extern const FaultRow corrupt_data_fault;

namespace {

struct Case {
  const char* how;
  const char* journal_mode;
};

class CorruptDataTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    make_database(path_, kEverything, GetParam().journal_mode);
    world_.add_target("store", "sqlite", Json::object({{"path", path_}}));
    // Rows that are dropped come from a table that nobody writes to in these tests.
    deed_.arguments.set("table", "odd \"name").set("rows", 2);
    deed_.arguments.set("how", GetParam().how);
    before_ = digest();
  }

  bool drops_rows() const { return GetParam().how == std::string("drop-rows"); }
  std::string digest() {
    const auto state = read_state(path_, world_.context());
    return state ? state->content.digest : state.error().text;
  }
  Result<Undo> prepare(const std::string& mark = "drill-1") {
    return corrupt_data_fault.prepare(deed_, world_.context(mark));
  }
  Undo prepared() { return prepare().value(); }
  void inject(const Undo& undo) {
    const auto done = corrupt_data_fault.inject(deed_, undo, world_.context());
    ASSERT_TRUE(done) << done.error().text;
  }
  Proof proof(const Undo& undo) {
    return corrupt_data_fault.prove(deed_, undo, world_.context()).value();
  }
  bool gone(const Undo& undo) {
    const auto looked = corrupt_data_fault.gone(undo, world_.context());
    EXPECT_TRUE(looked) << (looked ? "" : looked.error().text);
    return looked && looked->held;
  }
  Status undone(const Undo& undo) { return corrupt_data_fault.undo(undo, world_.context()); }
  std::string kept(const Undo& undo) { return undo.arguments.text("kept"); }
  void expect_undone(const Undo& undo) {
    const auto done = undone(undo);
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_TRUE(gone(undo));
  }

  DeedWorld world_;
  std::string path_ = world_.file("store.db");
  Deed deed_{.id = "hurt", .kind = "corrupt-data", .target = "store", .arguments = Json::object()};
  std::string before_;
};

std::string name_of_case(const testing::TestParamInfo<Case>& row) {
  std::string name = std::string(row.param.how) + row.param.journal_mode;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Each, CorruptDataTest,
                         testing::Values(Case{"flip-bytes", "wal"}, Case{"flip-bytes", "delete"},
                                         Case{"truncate", "wal"}, Case{"truncate", "delete"},
                                         Case{"drop-rows", "wal"}, Case{"drop-rows", "delete"}),
                         name_of_case);

// Flipped bytes may hit what the writer here does not need; they die where a cut does.
class CorruptLiveTest : public CorruptDataTest {};
INSTANTIATE_TEST_SUITE_P(Each, CorruptLiveTest,
                         testing::Values(Case{"truncate", "wal"}, Case{"truncate", "delete"},
                                         Case{"drop-rows", "wal"}, Case{"drop-rows", "delete"}),
                         name_of_case);

TEST_P(CorruptDataTest, DamagesAndPutsBack) {
  const Undo undo = prepared();
  EXPECT_EQ(digest(), before_) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  inject(undo);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo));
  EXPECT_NE(digest(), before_);
  EXPECT_EQ(asked(path_, "PRAGMA integrity_check(1)") == "ok", drops_rows());
  if (drops_rows()) {
    EXPECT_EQ(asked(path_, R"(SELECT count(*) FROM "odd ""name")"), "1");
  }
  expect_undone(undo);
  expect_undone(undo);
  EXPECT_FALSE(proof(undo).held);
  EXPECT_EQ(digest(), before_);
  EXPECT_EQ(asked(path_, "PRAGMA journal_mode"), GetParam().journal_mode);
}

// As an application sees it that has the database open all the while.
TEST_P(CorruptLiveTest, AWriterThatHoldsItOpenIsBittenAndGoesOnAfterwards) {
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
  if (drops_rows()) {
    EXPECT_TRUE(wrote(20)) << "rows that are missing stop nobody";
  } else {
    const int damaged = writer.damaged();
    EXPECT_TRUE(eventually([&] { return writer.damaged() > damaged + 20; }));
  }
  EXPECT_TRUE(proof(undo).held);
  expect_undone(undo);
  EXPECT_TRUE(wrote(20));
  expect_undone(undo);
  writer.end();
  EXPECT_EQ(asked(path_, "PRAGMA integrity_check(1)"), "ok");
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM lines WHERE what LIKE 'live%'"),
            std::to_string(writer.written()))
      << "no row that a writer was told to be there is lost";
  EXPECT_EQ(asked(path_, R"(SELECT count(*) FROM "odd ""name")"), "3");
}

TEST_P(CorruptDataTest, UndoWithoutInjectHarmsNothing) {
  const Undo undo = prepared();
  change(path_, "INSERT INTO lines VALUES(1, 'meanwhile')");
  expect_undone(undo);
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM lines"), "3");
}

TEST_P(CorruptLiveTest, DyingAnywhereLeavesWhatUndoCanPutBack) {
  int points = 0;
  for (bool died = true; died; ++points) {
    // What writers do after the death must neither be lost nor stand in the way.
    const std::string mark = "point-" + std::to_string(points);
    world_.set_until({{}, world_.clock().in(std::chrono::seconds(30))});
    auto context = world_.context(mark);
    const Undo undo = prepare(mark).value();
    const std::string row = "INSERT INTO lines VALUES(2, '" + mark + "')";
    died = world_.dies_at(points, [&] {
      static_cast<void>(corrupt_data_fault.inject(deed_, undo, world_.context(mark)));
    });
    const bool bitten = corrupt_data_fault.prove(deed_, undo, context)->held;
    EXPECT_TRUE(bitten || died);
    if (!bitten) change(path_, row);
    for (int time = 0; time < 2; ++time) {
      const auto put_back = corrupt_data_fault.undo(undo, context);
      ASSERT_TRUE(put_back) << "point " << points << ": " << put_back.error().text;
      const auto looked = corrupt_data_fault.gone(undo, context);
      ASSERT_TRUE(looked && looked->held) << "point " << points;
    }
    if (bitten) change(path_, row);
    ASSERT_EQ(asked(path_, "SELECT count(*) FROM lines"), std::to_string(3 + points));
    ASSERT_EQ(asked(path_, R"(SELECT count(*) FROM "odd ""name")"), "3");
    ASSERT_TRUE(corrupt_data_fault.close(undo, false, context));
    ASSERT_TRUE(std::filesystem::is_empty(world_.private_folder())) << "point " << points;
  }
  EXPECT_GT(points, 15);
}

TEST_P(CorruptLiveTest, DyingAnywhereInTheUndoIsMadeGoodByTheNextOne) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const std::string mark = "point-" + std::to_string(points);
    world_.set_until({{}, world_.clock().in(std::chrono::seconds(30))});
    auto context = world_.context(mark);
    const Undo undo = prepare(mark).value();
    ASSERT_TRUE(corrupt_data_fault.inject(deed_, undo, context));
    died = world_.dies_at(
        points, [&] { static_cast<void>(corrupt_data_fault.undo(undo, world_.context(mark))); });
    const auto again = corrupt_data_fault.undo(undo, context);
    ASSERT_TRUE(again) << "point " << points << ": " << again.error().text;
    ASSERT_EQ(digest(), before_) << "point " << points;
    ASSERT_TRUE(corrupt_data_fault.close(undo, false, context));
  }
  EXPECT_GT(points, 5);
}

// Somebody has restored it by hand, or has put a row into a dropped one's place.
TEST_P(CorruptDataTest, WhatSomebodyWroteThereIsNotOverwritten) {
  const Undo undo = prepared();
  inject(undo);
  if (drops_rows()) {
    change(path_,
           R"(INSERT OR IGNORE INTO "odd ""name"(rowid, a) VALUES(5, 'theirs'), (-3, 'theirs'))");
    change(path_, "DELETE FROM \"odd \"\"name\" WHERE rowid = -3");
  } else {
    make_database(world_.file("other.db"), "CREATE TABLE orders(other TEXT)");
    auto other = Database::open(world_.file("other.db"));
    auto live = open_damaged_sqlite(path_, world_.context());
    ASSERT_TRUE(other->copy_to(*live, world_.context().until, world_.clock()));
  }
  const std::string theirs = digest();
  const auto refused = undone(undo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict) << refused.error().text;
  EXPECT_NE(refused.error().text.find(path_), std::string::npos);
  EXPECT_NE(refused.error().text.find(kept(undo)), std::string::npos);
  EXPECT_EQ(digest(), theirs);
  EXPECT_FALSE(gone(undo));
  EXPECT_TRUE(std::filesystem::exists(kept(undo)));
}

TEST_P(CorruptDataTest, AChangedOrMissingSavedCopyIsNotPutBack) {
  const Undo undo = prepared();
  inject(undo);
  change(kept(undo), "DELETE FROM stock");
  const auto changed = undone(undo);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::corrupt);
  std::filesystem::remove(kept(undo));
  const auto missing = undone(undo);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_FALSE(gone(undo));
}

TEST_P(CorruptDataTest, CloseErasesTheSavedCopyUnlessItIsToBeKept) {
  const Undo undo = prepared();
  inject(undo);
  ASSERT_TRUE(undone(undo));
  ASSERT_TRUE(corrupt_data_fault.close(undo, true, world_.context()));
  EXPECT_TRUE(std::filesystem::exists(kept(undo)));
  ASSERT_TRUE(corrupt_data_fault.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_P(CorruptDataTest, TheUndoStandsOnItsOwnAsJson) {
  const Undo undo = prepared();
  inject(undo);
  const Undo again = undo_from(Json::parse(to_json(undo).dump()).value()).value();
  world_.system().targets.clear();
  ASSERT_TRUE(undone(again));
  EXPECT_EQ(digest(), before_);
}

class CorruptSpeciallyTest : public testing::Test {
 protected:
  Deed deed(const std::string& how, const std::string& sql) {
    make_database(path_, sql);
    world_.add_target("store", "sqlite", Json::object({{"path", path_}}));
    return {.id = "hurt",
            .kind = "corrupt-data",
            .target = "store",
            .arguments = Json::object({{"how", how}})};
  }
  ErrorCode refusal(const Deed& of) {
    const auto undo = corrupt_data_fault.prepare(of, world_.context());
    EXPECT_FALSE(undo);
    return undo ? ErrorCode::failed : undo.error().code;
  }
  // What the image is after that deed, without what SQLite itself changes from copy to copy.
  std::string left_by(const Deed& of, const std::string& mark) {
    const auto context = world_.context(mark);
    const Undo undo = corrupt_data_fault.prepare(of, context).value();
    EXPECT_TRUE(corrupt_data_fault.inject(of, undo, context));
    const auto record = world_.doors().files.read(undo.arguments.text("kept") + ".json");
    EXPECT_TRUE(corrupt_data_fault.undo(undo, context));
    EXPECT_TRUE(corrupt_data_fault.close(undo, false, context));
    return Json::parse(record.value())->text("left");
  }

  DeedWorld world_;
  std::string path_ = world_.file("store.db");
};

TEST_F(CorruptSpeciallyTest, TheMarkDecidesWhichBytes) {
  const Deed flips = deed("flip-bytes", kEverything);
  const std::string first = left_by(flips, "drill-1");
  EXPECT_EQ(left_by(flips, "drill-1"), first);
  EXPECT_NE(left_by(flips, "drill-2"), first);
}

// Nearly all of the file is free pages, which nobody reads.
TEST_F(CorruptSpeciallyTest, WhereNothingInUseIsHitNothingIsChangedAndItIsNotProven) {
  Deed flips = deed("flip-bytes",
                    "CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(9000000)); DELETE FROM t;");
  flips.arguments.set("bytes", 1);
  const Undo undo = corrupt_data_fault.prepare(flips, world_.context()).value();
  ASSERT_TRUE(corrupt_data_fault.inject(flips, undo, world_.context()));
  const auto proof = corrupt_data_fault.prove(flips, undo, world_.context());
  EXPECT_FALSE(proof->held) << proof->text;
  EXPECT_EQ(asked(path_, "PRAGMA integrity_check(1)"), "ok");
  EXPECT_TRUE(corrupt_data_fault.undo(undo, world_.context()));
  EXPECT_TRUE(corrupt_data_fault.gone(undo, world_.context())->held);
}

TEST_F(CorruptSpeciallyTest, FlipsUntilAPageInUseIsHit) {
  Deed flips = deed("flip-bytes",
                    "CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(40000)); DELETE FROM t;");
  flips.arguments.set("bytes", 24);
  const Undo undo = corrupt_data_fault.prepare(flips, world_.context()).value();
  ASSERT_TRUE(corrupt_data_fault.inject(flips, undo, world_.context()));
  EXPECT_TRUE(corrupt_data_fault.prove(flips, undo, world_.context())->held);
  EXPECT_TRUE(corrupt_data_fault.undo(undo, world_.context()));
}

TEST_F(CorruptSpeciallyTest, AShareOfTheLargestTableIsDropped) {
  Deed rows = deed("drop-rows",
                   "CREATE TABLE small(x); CREATE TABLE big(x);"
                   "INSERT INTO small VALUES(1), (2), (3);"
                   "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
                   "INSERT INTO big SELECT i FROM n;");
  rows.arguments.set("share", "25%");
  for (const Field& field : corrupt_data_fault.fields) {
    if (field.name == "table") rows.arguments.set("table", field.otherwise);
  }
  const Undo undo = corrupt_data_fault.prepare(rows, world_.context()).value();
  ASSERT_TRUE(corrupt_data_fault.inject(rows, undo, world_.context()));
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM big"), "150");
  EXPECT_EQ(asked(path_, "SELECT max(x) FROM big"), "200") << "the newest one stays";
  change(path_, "INSERT INTO big VALUES('new')");
  ASSERT_TRUE(corrupt_data_fault.undo(undo, world_.context()));
  EXPECT_EQ(asked(path_, "SELECT count(*) FROM big"), "201");
  EXPECT_EQ(asked(path_, "SELECT sum(x) FROM big WHERE rowid = x"), "20100");
}

TEST_F(CorruptSpeciallyTest, RowsThatCouldNotBePutBackAreNotDropped) {
  Deed rows = deed("drop-rows", std::string(kEverything) +
                                    "CREATE TABLE one(x); "
                                    "INSERT INTO one VALUES(1);");
  const auto of = [&](const char* table) {
    rows.arguments.set("table", table);
    return refusal(rows);
  };
  EXPECT_EQ(of("stock"), ErrorCode::unsupported) << "it has no rowid";
  EXPECT_EQ(of("hidden"), ErrorCode::unsupported) << "its rowid cannot be reached";
  EXPECT_EQ(of("lines"), ErrorCode::unsupported) << "its trigger would fire";
  EXPECT_EQ(of("one"), ErrorCode::refused) << "the newest row stays";
  EXPECT_EQ(of("none"), ErrorCode::not_found);
}

TEST_F(CorruptSpeciallyTest, ADamagedDatabaseIsRefused) {
  const Deed cut = deed("truncate", kEverything);
  const Undo undo = corrupt_data_fault.prepare(cut, world_.context()).value();
  ASSERT_TRUE(corrupt_data_fault.inject(cut, undo, world_.context()));
  EXPECT_EQ(refusal(cut), ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
