// To write the database and its folder is all that a SQLite file needs, and each is missed.
#include <sys/stat.h>

#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"
#include "tests/drills/shop_database.h"

namespace gameday {
namespace {

const std::vector<RowNeeds> kNeeds = {
    {"corrupt-data", {"write access to the database file", "and its folder"}},
    {"lose-data", {"write access to the database file", "and its folder"}},
    {"sqlite", {"write access to the database file", "and its folder"}},
};
constexpr const char* kSteps[] = {
    "  - { fault: corrupt-data, target: store, how: truncate, leave: 1%, for: 1s }\n",
    "  - { fault: lose-data, target: store, for: 1s }\n",
    "  - { backup: store }\n  - { restore: store, into: place }\n",
};

class RightsOnSqlite : public testing::TestWithParam<const char*> {
 protected:
  // As its owner, who is nobody else of this machine.
  template <class Work>
  void as_owner(const Work& work) {
    as_user(kNobody, {}, [&] {
      DeedWorld world;
      const std::string folder = world.file("data");
      std::filesystem::create_directory(folder);
      make_database(folder + "/store.db", kEverything);
      RightsCase one(world, "  store: { sqlite: " + folder + "/store.db }\n", GetParam());
      work(one, folder);
      (void)chmod(folder.c_str(), 0700);
    });
  }
};

TEST_P(RightsOnSqlite, AreEnough) {
  as_owner([](RightsCase& one, const std::string&) { one.expect_works(); });
}

TEST_P(RightsOnSqlite, AreMissedEach) {
  as_owner([](RightsCase& one, const std::string& folder) {
    EXPECT_EQ(chmod((folder + "/store.db").c_str(), 0400), 0);
    one.expect_missed("write " + folder + "/store.db");
    EXPECT_EQ(chmod((folder + "/store.db").c_str(), 0600), 0);
    EXPECT_EQ(chmod(folder.c_str(), 0500), 0);
    one.expect_missed("write " + folder);
  });
}

INSTANTIATE_TEST_SUITE_P(Steps, RightsOnSqlite, testing::ValuesIn(kSteps));

TEST(SqliteRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  const auto of_it = [](const auto& row) { return row.facet == "sqlite"; };
  expect_told(rows.faults, kNeeds, of_it);
  expect_told(rows.restores, kNeeds, of_it);
}

// A copy is only read.
TEST(SqliteRights, ABackupAndARestoreIntoScratchWriteNothing) {
  as_user(kNobody, {}, [] {
    DeedWorld world;
    const std::string folder = world.file("data");
    std::filesystem::create_directory(folder);
    make_database(folder + "/store.db", kEverything, "delete");
    EXPECT_EQ(chmod((folder + "/store.db").c_str(), 0400), 0);
    EXPECT_EQ(chmod(folder.c_str(), 0500), 0);
    RightsCase one(world, "  store: { sqlite: " + folder + "/store.db }\n",
                   "  - { backup: store }\n  - { restore: store }\n");
    one.expect_works();
    (void)chmod(folder.c_str(), 0700);
  });
}

// Nor does an invariant write.
TEST(SqliteRights, AnInvariantNeedsToReadTheFile) {
  as_user(kNobody, {}, [] {
    DeedWorld world;
    const std::string path = world.file("store.db");
    make_database(path, kEverything, "delete");
    EXPECT_EQ(chmod(path.c_str(), 0400), 0);
    const Target& store = world.add_target("store", "sqlite", Json::object({{"path", path}}));
    const FacetRow& row = *all_rows().facet("sqlite");
    const auto value = row.value_of(store, "SELECT sum(n) FROM stock", world.context());
    EXPECT_TRUE(value && value->text == "22") << (value ? value->text : value.error().text);
    EXPECT_EQ(chmod(path.c_str(), 0000), 0);
    EXPECT_FALSE(row.value_of(store, "SELECT sum(n) FROM stock", world.context()));
  });
}

}  // namespace
}  // namespace gameday
