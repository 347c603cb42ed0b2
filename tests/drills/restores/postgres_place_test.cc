#include "drills/systems/postgres_place.h"

#include "drills/systems/data_aside.h"
#include "drills/systems/folder_work.h"
#include "tests/drills/postgres_archive_fixture.h"

namespace gameday {

namespace {

class PlaceOnPostgres : public PostgresArchiveTest {
 protected:
  ~PlaceOnPostgres() override { cluster_.stop_any(); }
  void SetUp() override {
    PostgresArchiveTest::SetUp();
    Json words = Json::array();
    for (const auto& word : cluster_.start_words()) words.push(word);
    live().facets.set("postgres-data",
                      Json::object({{"folder", cluster_.data()}, {"start", std::move(words)}}));
  }
  Target& live() { return world_.system().targets.front(); }

  Result<Undo> prepared_place(const BackupTaken& taken, const std::string& point = "latest") {
    begin();
    return row().prepare_place({"step", "restore", "archive", Json::object({{"point", point}})},
                               taken, context("place-1"));
  }
  Result<Restored> put(const BackupTaken& taken, const Undo& undo) {
    return row().restore_place(archive(), taken, undo, context("place-1"));
  }
  // In a child of ours, which has no thread of ours that starts programs: by a door of its own.
  void put_in_child(const BackupTaken& taken, const Undo& undo) {
    const auto processes = make_processes(world_.clock());
    const Doors& ours = world_.doors();
    const Doors doors{ours.clock, ours.files, *processes, ours.http, ours.observer};
    const DeedContext of = context("place-1");
    (void)row().restore_place(archive(), taken, undo,
                              {.doors = doors,
                               .system = of.system,
                               .secrets = of.secrets,
                               .drill = of.drill,
                               .mark = of.mark,
                               .private_folder = of.private_folder,
                               .until = of.until});
  }
  bool gone(const Undo& undo) {
    const auto proof = row().gone(undo, context("place-1"));
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof && proof->held;
  }
  // With a server, and none of ours beside it.
  void expect_whole(const std::string& lines) {
    EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), lines);
    for (const auto& entry : std::filesystem::directory_iterator(cluster_.folder())) {
      EXPECT_FALSE(entry.path().filename().string().starts_with("data.gameday")) << entry.path();
    }
    EXPECT_TRUE(std::filesystem::is_empty(scratch_));
  }
  std::string timeline() const { return psql("SELECT timeline_id FROM pg_control_checkpoint()"); }
};

TEST_F(PlaceOnPostgres, WhatIsThereIsKeptAndTheOneOfThePointTakesItsPlace) {
  EXPECT_EQ(place_of(row(), archive()), "database");
  cluster_.change("ALTER SYSTEM SET work_mem = '5MB'");
  cluster_.change("CREATE EXTENSION amcheck", "postgres");
  const BackupTaken taken = backup();
  const std::string cluster = cluster_id();
  cluster_.change("DELETE FROM sales.lines");
  const auto undo = prepared_place(taken, "backup");
  ASSERT_TRUE(undo) << undo.error().text;
  EXPECT_TRUE(gone(*undo)) << "nothing was done yet";
  const auto put_there = put(taken, *undo);
  ASSERT_TRUE(put_there) << put_there.error().text;
  EXPECT_TRUE(put_there->verified) << put_there->text;
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "10");
  EXPECT_EQ(cluster_id(), cluster);
  EXPECT_EQ(timeline(), "2");
  EXPECT_EQ(put_there->facts.get("place").integer("timeline", 0), 2);
  EXPECT_EQ(put_there->facts.get("place").text("system_identifier"), cluster);
  EXPECT_GT(put_there->facts.get("recovered").get("amcheck").integer("indexes", 0), 300);
  for (const auto& [database, had] : {std::pair("shop", "0"), std::pair("postgres", "1")}) {
    EXPECT_EQ(
        cluster_.psql("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'", database), had)
        << "the look at it has changed " << database;
  }
  EXPECT_FALSE(gone(*undo));
  const std::string kept = undo->arguments.text("kept");
  EXPECT_TRUE(std::filesystem::exists(kept + "/PG_VERSION"));
  ASSERT_TRUE(row().close(*undo, true, context("place-1")));
  EXPECT_TRUE(std::filesystem::exists(kept));
  ASSERT_TRUE(row().close(*undo, false, context("place-1")));
  expect_whole("10");
  EXPECT_FALSE(std::filesystem::exists(cluster_.data() + "/gameday.restored"));
}

// What was recovered breaks what is always true: it takes nobody's place.
TEST_F(PlaceOnPostgres, ABrokenInvariantKeepsItOutOfThePlace) {
  Json fields = live().facets.get("postgres");
  live().facets.set(
      "postgres",
      fields.set(
          "invariants",
          Json::array().push(Json::object(
              {{"name", "lines"}, {"sql", "SELECT count(*) FROM sales.lines"}, {"is", "0"}}))));
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  const auto undo = prepared_place(taken, "backup");
  ASSERT_TRUE(undo) << undo.error().text;
  const auto kept_out = put(taken, *undo);
  ASSERT_TRUE(kept_out) << kept_out.error().text;
  EXPECT_FALSE(kept_out->verified);
  EXPECT_TRUE(kept_out->text.contains("invariant lines of database: expected == 0, but it is 10"))
      << kept_out->text;
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "0");
  EXPECT_EQ(timeline(), "1");
  ASSERT_TRUE(row().undo(*undo, context("place-1")));
  EXPECT_TRUE(gone(*undo));
  expect_whole("0");
}

TEST_F(PlaceOnPostgres, TheUndoBringsBackWhatWasThere) {
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  const auto undo = prepared_place(taken, "backup");
  ASSERT_TRUE(undo) << undo.error().text;
  ASSERT_TRUE(put(taken, *undo));
  const auto done = row().undo(*undo, context("place-1"));
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(gone(*undo));
  EXPECT_EQ(timeline(), "1");
  expect_whole("0");
  ASSERT_TRUE(row().undo(*undo, context("place-1")));
  expect_whole("0");
}

TEST_F(PlaceOnPostgres, WhatOthersWroteSinceIsNotThrownAway) {
  const BackupTaken taken = backup();
  const auto undo = prepared_place(taken);
  ASSERT_TRUE(undo) << undo.error().text;
  ASSERT_TRUE(put(taken, *undo));
  cluster_.change("INSERT INTO sales.lines SELECT id, 'since' FROM sales.orders");
  expect_refused(row().undo(*undo, context("place-1")), "others have written to it",
                 ErrorCode::conflict);
  EXPECT_FALSE(gone(*undo));
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "60") << "it goes on";
  EXPECT_TRUE(std::filesystem::exists(undo->arguments.text("kept") + "/PG_VERSION"));
}

TEST_F(PlaceOnPostgres, AnArchiveThatMisleadsLeavesThePlaceAlone) {
  const BackupTaken taken = backup();
  const auto undo = prepared_place(taken);
  ASSERT_TRUE(undo) << undo.error().text;
  archive_now();
  const std::string segment = archived().at(archived().size() - 2);
  std::filesystem::remove(wal_ + "/" + segment);
  const auto server = psql("SELECT pg_postmaster_start_time()");
  const auto put_there = put(taken, *undo);
  ASSERT_TRUE(put_there) << put_there.error().text;
  EXPECT_FALSE(put_there->verified);
  EXPECT_TRUE(put_there->text.contains("the WAL segment " + segment)) << put_there->text;
  EXPECT_EQ(psql("SELECT pg_postmaster_start_time()"), server) << "it was not left alone";
  ASSERT_TRUE(row().undo(*undo, context("place-1")));
  EXPECT_EQ(psql("SELECT pg_postmaster_start_time()"), server);
  expect_whole("10");
}

TEST_F(PlaceOnPostgres, WhereTheDataIsLostItComesBackFromTheArchiveAlone) {
  const BackupTaken taken = backup();
  const auto lost = look_at_data(live(), context("lost-1"));
  ASSERT_TRUE(lost) << lost.error().text;
  ASSERT_TRUE(end_server(*lost, ServerEnd::crash, context("lost-1")));
  ASSERT_TRUE(rename_folder(lost->folder, lost->aside(), context("lost-1")));
  const auto undo = prepared_place(taken);
  ASSERT_TRUE(undo) << undo.error().text;
  const auto put_there = put(taken, *undo);
  ASSERT_TRUE(put_there) << put_there.error().text;
  ASSERT_TRUE(put_there->verified) << put_there->text;
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "10");
  ASSERT_TRUE(row().close(*undo, false, context("place-1")));
  ASSERT_TRUE(forget_data(*lost, false, context("lost-1")));
  expect_whole("10");
}

TEST_F(PlaceOnPostgres, WithoutABaseTheBackupTakesOne) {
  unset("base");
  const BackupTaken taken = backup();
  EXPECT_TRUE(taken.id.starts_with(world_.private_folder())) << taken.id;
  const Restored back = restored(taken, "backup");
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_TRUE(back.facts.get("recovered").boolean("compared", false));
}

TEST_F(PlaceOnPostgres, AnotherClustersBackupDoesNotGoThere) {
  BackupTaken taken = backup();
  Json base = taken.facts.get("base");
  taken.facts.set("base", base.set("cluster", "1"));
  expect_refused(prepared_place(taken), "and the base backup of 1", ErrorCode::conflict);
  live().facets.set("postgres-data", Json());
  EXPECT_FALSE(prepared_place(backup()));
}

// Whenever whoever does it dies: what was there comes back, whole.
TEST_F(PlaceOnPostgres, HalfOfItIsUndoneToo) {
  const BackupTaken taken = backup();
  const std::string orders = psql("SELECT count(*) FROM sales.orders");
  const std::string server = psql("SELECT pg_postmaster_start_time()");
  for (int change = 0;; change += 5) {
    const auto undo = prepared_place(taken);
    ASSERT_TRUE(undo) << undo.error().text;
    begin();
    const bool died = world_.dies_at(change, [&] { put_in_child(taken, *undo); });
    begin();
    const auto done = row().undo(*undo, context("place-1"));
    ASSERT_TRUE(done) << change << ": " << done.error().text;
    EXPECT_TRUE(gone(*undo)) << change;
    expect_whole("10");
    EXPECT_EQ(psql("SELECT count(*) FROM sales.orders"), orders);
    EXPECT_EQ(timeline(), "1");
    if (!died) break;
    ASSERT_LT(change, 200);
  }
  EXPECT_NE(psql("SELECT pg_postmaster_start_time()"), server) << "it was never done";
}

}  // namespace
}  // namespace gameday
