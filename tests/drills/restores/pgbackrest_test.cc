#include "tests/drills/pgbackrest_fixture.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

class PgBackRestOnPostgres : public PgBackRestTest {};

TEST_F(PgBackRestOnPostgres, ADifferentialBackupComesBackAndLeavesNothing) {
  set("take", "diff");
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.get("set").text("type"), "diff");
  EXPECT_TRUE(taken.facts.get("live").boolean("archived", false));
  const Restored latest = restored(taken);
  EXPECT_TRUE(latest.verified) << latest.text;
  EXPECT_FALSE(latest.vacuous);
  EXPECT_EQ(latest.facts.integer("rows", 0), 60);
  EXPECT_EQ(latest.facts.text("digest"), taken.digest);
  const Json& recovered = latest.facts.get("recovered");
  EXPECT_TRUE(recovered.boolean("compared", false));
  EXPECT_EQ(recovered.integer("timeline", 0), 1);
  EXPECT_GT(recovered.integer("pages", 0), 900);
  EXPECT_GT(recovered.get("amcheck").integer("indexes", 0), 300);
  EXPECT_GT(recovered.get("amcheck").integer("tables", 0), 150);
  EXPECT_GT(recovered.number("copy_s", 0), 0);
  EXPECT_GT(recovered.number("check_s", 0), 0);
  EXPECT_EQ(latest.facts.get("recovered").get("set").text("label"), taken.id);
}

// Of the target whose backups they are.
TEST_F(PgBackRestOnPostgres, ABrokenInvariantDoesNotVerify) {
  set("verify", false);
  Target& live = world_.system().targets.front();
  Json fields = live.facets.get("postgres");
  const auto with_lines = [&](const char* is) {
    const Json lines =
        Json::object({{"name", "lines"}, {"sql", "SELECT count(*) FROM sales.lines"}, {"is", is}});
    live.facets.set("postgres", fields.set("invariants", Json::array().push(lines)));
  };
  with_lines("10");
  const BackupTaken taken = backup();
  const Restored whole = restored(taken);
  EXPECT_TRUE(whole.verified) << whole.text;
  ASSERT_EQ(whole.invariants.size(), 1u);
  with_lines("> 10");
  expect_misleads(taken, "invariant lines of database: expected > 10, but it is 10");
  in_place();
  begin();
  const auto undo = pgbackrest_restore.prepare_place({"step", "restore", "stanza", Json::object()},
                                                     taken, world_.context("place-1"));
  ASSERT_TRUE(undo) << undo.error().text;
  const auto kept_out =
      pgbackrest_restore.restore_place(*stanza_, taken, *undo, world_.context("place-1"));
  ASSERT_TRUE(kept_out) << kept_out.error().text;
  EXPECT_FALSE(kept_out->verified);
  EXPECT_EQ(kept_out->facts.find("place"), nullptr) << "it has taken the place";
  EXPECT_TRUE(pgbackrest_restore.undo(*undo, world_.context("place-1")));
  EXPECT_TRUE(pgbackrest_restore.gone(*undo, world_.context("place-1"))->held);
}

TEST_F(PgBackRestOnPostgres, AChainComesBackAsOfAnyPoint) {
  set("verify", false);
  set("take", "diff");
  const BackupTaken first = backup();
  cluster_.change("DELETE FROM sales.lines WHERE order_id > 5");
  const std::string before = now();
  cluster_.change("DELETE FROM sales.lines");
  set("take", "incr");
  const BackupTaken later = backup();
  EXPECT_EQ(later.facts.get("set").text("type"), "incr");
  EXPECT_EQ(later.facts.get("set").items("rests_on").size(), 2U)
      << "the full one, and what differs";
  EXPECT_EQ(later.facts.get("set").items("rests_on").back().text(), first.id);
  const Restored whole = restored(later, "backup");
  EXPECT_TRUE(whole.verified) << whole.text;
  EXPECT_EQ(whole.facts.integer("rows", 0), 50);
  EXPECT_TRUE(whole.facts.get("recovered").boolean("compared", false));
  EXPECT_EQ(whole.facts.get("recovered").get("set").text("label"), later.id);
  const Restored in_time = restored(later, before);
  EXPECT_TRUE(in_time.verified) << in_time.text;
  EXPECT_EQ(in_time.facts.integer("rows", 0), 55);
  EXPECT_EQ(in_time.facts.get("recovered").get("set").text("label"), first.id)
      << "it is no backup before then";
  EXPECT_LE(in_time.facts.get("recovered").text("time"), before);
  EXPECT_EQ(cluster_.psql("SELECT count(*) FROM sales.lines"), "0") << "the live one was touched";
}

// The configuration keeps one full backup, and what pgBackRest takes drives the others out.
TEST_F(PgBackRestOnPostgres, WhatADrillTakesDrivesNoOtherOut) {
  const std::string before = backup().id;
  set("take", "full");
  const BackupTaken taken = backup();
  EXPECT_NE(taken.id, before);
  EXPECT_TRUE(fs::exists(repository_ + "/backup/shop/" + before + "/backup.manifest"));
}

// A newer backup does not lead to it: an older one does.
TEST_F(PgBackRestOnPostgres, ANamedPointIsReachedOrMissed) {
  set("verify", false);
  const std::string full = backup().id;
  cluster_.change("SELECT pg_create_restore_point('before the deploy')");
  cluster_.change("DELETE FROM sales.lines");
  set("take", "incr");
  const BackupTaken taken = backup();
  const Restored named = restored(taken, "name:before the deploy");
  EXPECT_TRUE(named.verified) << named.text;
  EXPECT_EQ(named.facts.integer("rows", 0), 60);
  EXPECT_EQ(named.facts.get("recovered").get("set").text("label"), full);
  EXPECT_EQ(named.facts.get("recovered").text("stopped"), "at restore point \"before the deploy\"");
  expect_misleads(taken, "it does not recover", "name:no-such-point");
  expect_misleads(taken, "no backup had ended by then", "2020-01-01T00:00:00Z");
  EXPECT_TRUE(pgbackrest_restore.fits_point("name:x"));
  EXPECT_FALSE(pgbackrest_restore.fits_point("name:"));
}

TEST_F(PgBackRestOnPostgres, ATimelineIsFollowed) {
  set("verify", false);
  branch_off();
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('on another timeline')");
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.get("live").integer("timeline", 0), 2);
  const Restored followed = restored(taken);
  EXPECT_TRUE(followed.verified) << followed.text;
  EXPECT_EQ(followed.facts.integer("rows", 0), 61);
  EXPECT_EQ(followed.facts.get("recovered").integer("timeline", 0), 2);
}

// pgBackRest's own `verify` says ok of a segment that is missing.
TEST_F(PgBackRestOnPostgres, ASegmentThatIsMissingOrDamagedIsFoundOut) {
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('later')");
  const std::string segment = cluster_.psql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
  (void)backup();
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('latest')");
  const BackupTaken newest = backup();
  const std::string file = archived(segment);
  ASSERT_FALSE(file.empty());
  fs::rename(file, scratch_ + ".aside");
  expect_misleads(newest,
                  "the WAL segment " + segment + " is not in the repository, which goes on");
  set("verify", false);
  expect_misleads(newest, segment, "backup");
  fs::rename(scratch_ + ".aside", file);
  damage(file);
  expect_misleads(newest, "recovery ended at ");
  set("verify", true);
  expect_misleads(newest, "the repository does not verify");
}

TEST_F(PgBackRestOnPostgres, ADamagedBackupIsFoundOut) {
  const BackupTaken taken = backup();
  std::string largest;
  for (const auto& entry : fs::recursive_directory_iterator(repository_ + "/backup")) {
    const bool data = entry.is_regular_file() && entry.path().string().contains("/base/");
    if (data && (largest.empty() || entry.file_size() > fs::file_size(largest))) {
      largest = entry.path();
    }
  }
  damage(largest);
  expect_misleads(taken, "the repository does not verify");
  set("verify", false);
  expect_misleads(taken, "the backup is damaged");
}

// The live cluster's own damage: pgBackRest sees it, backs it up, and exits with 0.
TEST_F(PgBackRestOnPostgres, APageThatWasDamagedBeforeTheBackupIsFoundOut) {
  cluster_.change("CHECKPOINT");
  const std::string path =
      cluster_.data() + "/" + cluster_.psql("SELECT pg_relation_filepath('sales.by_item')");
  // A page whose head was damaged could be newer than the backup's begin, and is passed over.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-20, std::ios::end);
  file << "damaged";
  file.close();
  set("take", "incr");
  const BackupTaken taken = backup();
  expect_misleads(taken, "found pages that do not verify when it took the backup " + taken.id);
}

// A success in which nothing came back. Another database of it is not held against the live one's.
TEST_F(PgBackRestOnPostgres, ADatabaseWithoutRowsIsNoRestore) {
  set("dbname", "postgres");
  set("amcheck", false);
  const Restored back = restored(backup());
  EXPECT_EQ(back.facts.get("recovered").get("amcheck").integer("indexes", -1), 0);
  EXPECT_TRUE(back.vacuous);
  EXPECT_EQ(back.text, "the backup holds no rows");
  EXPECT_FALSE(back.facts.get("recovered").boolean("compared", true));
}

TEST_F(PgBackRestOnPostgres, WhatMisleadsOtherwiseIsToldApart) {
  BackupTaken taken = backup();
  set("max_age", "1ms");
  expect_misleads(taken, "older than the 1ms that are allowed");
  set("max_age", "1h");
  set("verify", false);
  set("system_identifier", "7234");
  expect_misleads(taken, "not of 7234");
  unset("system_identifier");
  BackupTaken another = taken;
  Json live = taken.facts.get("live");
  another.facts.set("live", live.set("cluster", "7235"));
  expect_misleads(another, "not of 7235");
  live = taken.facts.get("live");
  another.facts.set("live", live.set("digest", "sha256:another"));
  expect_misleads(another, "does not have the content that the live cluster had");
  another = taken;
  another.id = "20200101-000000F";
  expect_misleads(another, "20200101-000000F is not in the repository any more");
  set("max_loss", "1us");
  expect_misleads(taken, "more than the 1us that are allowed");
}

TEST_F(PgBackRestOnPostgres, WhatCannotBeReadIsNoBackup) {
  configure("wrong", repository_);
  const auto locked = pgbackrest_facet.resolve(*stanza_, world_.context());
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, ErrorCode::refused) << locked.error().text;
  configure("right", scratch_);
  set("stanza", "nobody");
  const auto none = pgbackrest_facet.resolve(*stanza_, world_.context());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found) << none.error().text;
  set("stanza", "shop");
  cluster_.give_to_server(scratch_);
  pgbackrest("stanza-create");
  const auto empty = pgbackrest_facet.resolve(*stanza_, world_.context());
  EXPECT_TRUE(empty) << "one may be taken";
  const auto taken = pgbackrest_restore.backup(*stanza_, world_.context());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().text, "the stanza has no backup");
  set("program", "no-such-program");
  const auto unknown = pgbackrest_facet.resolve(*stanza_, world_.context());
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().hint.contains("install pgbackrest")) << unknown.error().text;
}

TEST_F(PgBackRestOnPostgres, WhatCannotBeAskedIsRefusedBeforeAnythingIsDone) {
  unset("of");
  const BackupTaken taken = backup();
  const auto undo = pgbackrest_restore.prepare_scratch(
      {"step", "restore", "stanza", Json::object({{"point", "backup"}})}, taken,
      world_.context("restore-1"));
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::invalid);
  EXPECT_TRUE(undo.error().text.contains("wants `of`")) << undo.error().text;
  const auto place = pgbackrest_restore.prepare_place({"step", "restore", "stanza", Json::object()},
                                                      taken, world_.context("restore-1"));
  ASSERT_FALSE(place);
  EXPECT_TRUE(place.error().text.contains("`postgres-data`")) << place.error().text;

  set("of", "database");
  in_place();
  BackupTaken another = taken;
  Json of_another = taken.facts.get("set");
  another.facts.set("set", of_another.set("cluster", "1"));
  const auto elsewhere = pgbackrest_restore.prepare_place(
      {"step", "restore", "stanza", Json::object()}, another, world_.context("restore-1"));
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::conflict) << elsewhere.error().text;
}

// Into place its links would lead to what is erased; and never to the live one's own.
TEST_F(PgBackRestOnPostgres, ATablespaceComesBackIntoScratchAlone) {
  set("verify", false);
  const std::string space = memory_ + "/space";
  fs::create_directories(space);
  cluster_.give_to_server(space);
  cluster_.change("CREATE TABLESPACE space LOCATION '" + space + "'");
  cluster_.change(
      "CREATE TABLE sales.spaced TABLESPACE space AS SELECT generate_series(1, 7) AS n");
  set("take", "incr");
  const BackupTaken taken = backup();
  const Restored back = restored(taken, "backup");
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_EQ(back.facts.integer("rows", 0), 67);
  EXPECT_TRUE(back.facts.get("recovered").boolean("compared", false));
  in_place();
  begin();
  const auto undo = pgbackrest_restore.prepare_place({"step", "restore", "stanza", Json::object()},
                                                     taken, world_.context("place-1"));
  ASSERT_TRUE(undo) << undo.error().text;
  const auto placed =
      pgbackrest_restore.restore_place(*stanza_, taken, *undo, world_.context("place-1"));
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().code, ErrorCode::unsupported) << placed.error().text;
  EXPECT_TRUE(pgbackrest_restore.undo(*undo, world_.context("place-1")));
  EXPECT_TRUE(pgbackrest_restore.gone(*undo, world_.context("place-1"))->held);
  EXPECT_EQ(cluster_.psql("SELECT count(*) FROM sales.spaced"), "7");
}

}  // namespace
}  // namespace gameday
