#include "drills/systems/pgbackrest.h"

#include <algorithm>

#include "tests/drills/deed_world.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

extern const RestoreRow pgbackrest_restore;
extern const FacetRow pgbackrest_facet;

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// A real cluster that archives into an encrypted repository, with a full backup in it.
class PgBackRestOnPostgres : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& folder : {repository_, scratch_}) fs::create_directories(folder);
    cluster_.give_to_server(repository_);
    cluster_.set("archive_mode=on");
    cluster_.set("archive_command=pgbackrest --config=" + config_ +
                 " --stanza=shop archive-push %p");
    cluster_.start();
    cluster_.make_shop();
    configure("right");
    world_.add_target("database", "postgres", Json::object({{"connection", cluster_.conninfo()}}));
    stanza_ = &world_.add_target(
        "stanza", "pgbackrest",
        Json::object(
            {{"stanza", "shop"}, {"config", config_}, {"of", "database"}, {"scratch", scratch_}}));
    begin();
    pgbackrest("stanza-create");
    pgbackrest("backup --type=full");
  }
  void TearDown() override {
    cluster_.stop();
    fs::remove_all(memory_);
  }
  void begin() { world_.set_until({{}, world_.clock().in(100s)}); }
  void configure(const std::string& key) {
    std::ofstream(config_, std::ios::trunc)
        << "[global]\nrepo1-path=" << repository_
        << "\nrepo1-cipher-type=aes-256-cbc\nrepo1-retention-full=9\nrepo1-cipher-pass=" << key
        << "\nlog-level-file=off\nlog-level-console=warn\nstart-fast=y\nlock-path=" << repository_
        << "/lock\n[shop]\npg1-path=" << cluster_.data()
        << "\npg1-socket-path=" << cluster_.folder() << "\npg1-port=" << cluster_.port() << "\n";
  }
  void pgbackrest(const std::string& rest) {
    const auto ended = world_.doors().processes.run(
        {{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "bash", "-c",
          "pgbackrest --config=" + config_ + " --stanza=shop " + rest},
         "/",
         {}},
        world_.context().until);
    ASSERT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
  }
  void set(const std::string& field, const Json& value) {
    Json fields = stanza_->facets.get("pgbackrest");
    stanza_->facets.set("pgbackrest", fields.set(field, value));
  }
  std::string now() const {
    return cluster_.psql(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
  }
  // The archived segment's file, whose name ends with its checksum.
  std::string archived(const std::string& segment) const {
    for (const auto& entry : fs::recursive_directory_iterator(repository_ + "/archive")) {
      if (entry.path().filename().string().starts_with(segment + "-")) return entry.path();
    }
    return "";
  }

  BackupTaken backup() {
    begin();
    auto taken = pgbackrest_restore.backup(*stanza_, world_.context("backup-1"));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Restored restored(const BackupTaken& taken, const std::string& point = "latest") {
    begin();
    const auto undo = pgbackrest_restore.prepare_scratch(
        {"step", "restore", "stanza", Json::object({{"point", point}})}, taken,
        world_.context("restore-1"));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    if (!undo) return {};
    const auto filled = pgbackrest_restore.fill_scratch(taken, *undo, world_.context("restore-1"));
    EXPECT_TRUE(filled) << (filled ? "" : filled.error().text);
    begin();
    const auto undone = pgbackrest_restore.undo(*undo, world_.context("restore-1"));
    EXPECT_TRUE(undone) << (undone ? "" : undone.error().text);
    EXPECT_TRUE(pgbackrest_restore.gone(*undo, world_.context("restore-1"))->held);
    EXPECT_TRUE(fs::is_empty(scratch_));
    return filled.value_or(Restored{});
  }
  void expect_misleads(const BackupTaken& taken, const std::string& part,
                       const std::string& point = "latest") {
    const Restored back = restored(taken, point);
    EXPECT_FALSE(back.verified) << part;
    EXPECT_TRUE(back.text.contains(part)) << back.text << "\nlacks: " << part;
  }

  DeedWorld world_;
  PostgresCluster cluster_{world_.file("pg"), std::vector<std::string>{"--data-checksums"}};
  // In memory: pgBackRest syncs each of a thousand files.
  std::string memory_ =
      "/dev/shm/" + fs::path(world_.private_folder()).parent_path().filename().string();
  std::string repository_ = memory_ + "/repo", scratch_ = memory_ + "/scratch";
  std::string config_ = world_.file("pgbackrest.conf");
  Target* stanza_ = nullptr;
};

TEST_F(PgBackRestOnPostgres, AnyBackupComesBackAsOfAnyPointAndLeavesNothing) {
  set("take", "diff");
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.get("set").text("type"), "diff");
  EXPECT_TRUE(taken.facts.get("live").boolean("archived", false));
  const Restored latest = restored(taken);
  EXPECT_TRUE(latest.verified) << latest.text;
  EXPECT_FALSE(latest.vacuous);
  EXPECT_EQ(latest.facts.integer("rows", 0), 60);
  EXPECT_TRUE(latest.facts.get("recovered").boolean("compared", false));
  EXPECT_GT(latest.facts.get("recovered").integer("pages", 0), 900);
  EXPECT_EQ(latest.facts.get("set").text("label"), taken.id);

  cluster_.change("DELETE FROM sales.lines WHERE order_id > 5");
  cluster_.change("SELECT pg_create_restore_point('before the deploy')");
  const std::string before = now();
  cluster_.change("DELETE FROM sales.lines");
  set("take", "incr");
  set("verify", false);
  const BackupTaken later = backup();
  EXPECT_EQ(later.facts.get("set").text("type"), "incr");
  const Restored in_time = restored(later, before);
  EXPECT_TRUE(in_time.verified) << in_time.text;
  EXPECT_EQ(in_time.facts.integer("rows", 0), 55);
  EXPECT_EQ(in_time.facts.get("set").text("label"), taken.id) << "it is no backup before then";
  EXPECT_LE(in_time.facts.get("recovered").text("time"), before);
  EXPECT_EQ(cluster_.psql("SELECT count(*) FROM sales.lines"), "0") << "the live one was touched";
}

TEST_F(PgBackRestOnPostgres, ANamedPointIsReachedOrMissed) {
  set("verify", false);
  cluster_.change("SELECT pg_create_restore_point('before-the-deploy')");
  cluster_.change("DELETE FROM sales.lines");
  const BackupTaken taken = backup();
  const Restored named = restored(taken, "name:before-the-deploy");
  EXPECT_TRUE(named.verified) << named.text;
  EXPECT_EQ(named.facts.integer("rows", 0), 60);
  expect_misleads(taken, "it does not recover", "name:no-such-point");
  expect_misleads(taken, "no backup had ended by then", "2020-01-01T00:00:00Z");
  EXPECT_TRUE(pgbackrest_restore.fits_point("name:x"));
  EXPECT_FALSE(pgbackrest_restore.fits_point("name:"));
}

// pgBackRest's own `verify` says ok.
TEST_F(PgBackRestOnPostgres, AMissingSegmentIsNamed) {
  const BackupTaken taken = backup();
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('later')");
  const std::string segment = cluster_.psql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
  (void)backup();
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('latest')");
  const BackupTaken newest = backup();
  ASSERT_FALSE(archived(segment).empty());
  fs::remove(archived(segment));
  expect_misleads(newest, "the WAL segment " + segment + " is not in the repository");
  set("verify", false);
  expect_misleads(newest, segment, "backup");
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
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(largest) / 2));
  file << "damaged";
  file.close();
  expect_misleads(taken, "the backup is damaged");
}

TEST_F(PgBackRestOnPostgres, WhatMisleadsOtherwiseIsToldApart) {
  BackupTaken taken = backup();
  set("max_age", "1ms");
  expect_misleads(taken, "older than the 1ms that are allowed");
  set("max_age", "1h");
  BackupTaken another = taken;
  Json live = taken.facts.get("live");
  another.facts.set("live", live.set("cluster", "7235"));
  expect_misleads(another, "not of 7235");
  set("verify", false);
  live = taken.facts.get("live");
  another.facts.set("live", live.set("digest", "sha256:another"));
  expect_misleads(another, "does not have the content that the live cluster had");

  configure("wrong");
  const auto locked = pgbackrest_facet.resolve(*stanza_, world_.context());
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, ErrorCode::refused) << locked.error().text;
  configure("right");
  set("stanza", "nobody");
  const auto none = pgbackrest_facet.resolve(*stanza_, world_.context());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found) << none.error().text;
}

}  // namespace
}  // namespace gameday
