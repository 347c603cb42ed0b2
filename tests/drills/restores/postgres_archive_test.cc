#include <sys/mount.h>
#include <sys/wait.h>

#include "drills/systems/scratch_cluster.h"
#include "tests/drills/postgres_archive_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class RecoveryOnPostgres : public PostgresArchiveTest {};

TEST_F(RecoveryOnPostgres, ABackupComesBackAsOfAnyPointAndLeavesNothing) {
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.id, base_);
  EXPECT_FALSE(taken.digest.empty());
  EXPECT_TRUE(taken.facts.get("live").boolean("archived", false));
  const Restored latest = restored(taken);
  EXPECT_TRUE(latest.verified) << latest.text;
  EXPECT_FALSE(latest.vacuous);
  EXPECT_EQ(latest.facts.integer("rows", 0), 60);
  EXPECT_EQ(latest.facts.text("digest"), taken.digest);
  const Json& recovered = latest.facts.get("recovered");
  EXPECT_TRUE(recovered.boolean("compared", false));
  EXPECT_EQ(recovered.integer("timeline", 0), 1);
  EXPECT_GT(recovered.integer("pages", 0), 1000);
  EXPECT_GT(recovered.get("amcheck").integer("indexes", 0), 300) << "those of three databases";
  EXPECT_GT(recovered.get("amcheck").integer("tables", 0), 150);
  EXPECT_TRUE(recovered.get("amcheck").items("unchecked").empty()) << latest.text;
  EXPECT_GE(parse_lsn(recovered.text("lsn")).value(),
            parse_lsn(taken.facts.get("live").text("lsn")).value());
  EXPECT_GT(recovered.number("copy_s", 0), 0);
  EXPECT_GT(recovered.number("replay_s", 0), 0);
  EXPECT_GT(recovered.number("verify_s", 0), 0);

  const std::string before = psql(
      "SELECT to_char(now() AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
  cluster_.change("DELETE FROM sales.lines");
  archive_now();
  const Restored as_backed_up = restored(taken, "backup");
  EXPECT_TRUE(as_backed_up.verified) << as_backed_up.text;
  EXPECT_EQ(as_backed_up.facts.integer("rows", 0), 60);
  EXPECT_TRUE(as_backed_up.facts.get("recovered").boolean("compared", false));
  const Restored in_time = restored(taken, before);
  EXPECT_TRUE(in_time.verified) << in_time.text;
  EXPECT_EQ(in_time.facts.integer("rows", 0), 60);
  EXPECT_EQ(in_time.facts.get("recovered").text("asked"), before);
  EXPECT_LE(in_time.facts.get("recovered").text("time"), before);
  EXPECT_TRUE(in_time.facts.get("recovered").text("stopped").starts_with("before 20"))
      << in_time.facts.get("recovered").text("stopped");
  const Restored newest = restored(taken);
  EXPECT_TRUE(newest.verified) << newest.text;
  EXPECT_EQ(newest.facts.integer("rows", 0), 50);
  EXPECT_FALSE(newest.facts.get("recovered").boolean("compared", true));
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "0") << "the live cluster was touched";
}

TEST_F(RecoveryOnPostgres, APointBeforeTheLastTransactionIsNotHeldAgainstIt) {
  const std::string before = psql(
      "SELECT to_char(now() AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
  cluster_.change("DELETE FROM sales.lines");
  const BackupTaken taken = backup();
  const Restored earlier = restored(taken, before);
  EXPECT_TRUE(earlier.verified) << earlier.text;
  EXPECT_EQ(earlier.facts.integer("rows", 0), 60);
  EXPECT_FALSE(earlier.facts.get("recovered").boolean("compared", true));
}

TEST_F(RecoveryOnPostgres, ATarFileComesBackToo) {
  take_base({"--format", "tar", "--gzip", "--wal-method", "fetch"});
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.get("base").text("format"), "tar");
  const Restored back = restored(taken, "backup");
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_EQ(back.facts.integer("rows", 0), 60);
  const std::string whole = bytes_of(base_ + "/base.tar.gz");
  write(base_ + "/base.tar.gz", whole.substr(0, whole.size() / 2));
  expect_misleads(taken, "cannot be unpacked");
}

// The live cluster's own damage, in an index that reading the rows does not touch: it went into the
// backup as it was, and the backup's manifest agrees with it.
TEST_F(RecoveryOnPostgres, APageThatWasDamagedBeforeTheBackupIsFoundOut) {
  cluster_.change("CHECKPOINT");
  const std::string file =
      cluster_.data() + "/" + psql("SELECT pg_relation_filepath('sales.by_item')");
  std::string bytes = bytes_of(file);
  bytes[bytes.size() - 20] = static_cast<char>(bytes[bytes.size() - 20] ^ 0x40);
  write(file, bytes);
  take_base({"--wal-method", "none", "--no-verify-checksums"});
  expect_misleads(backup(), "its pages do not verify");
}

TEST_F(RecoveryOnPostgres, ABaseBackupThatMisleadsIsFoundOut) {
  const BackupTaken taken = backup();
  const std::string file = base_ + "/" + psql("SELECT pg_relation_filepath('sales.orders')");
  const std::string bytes = bytes_of(file);
  std::string flipped = bytes;
  flipped[flipped.size() - 3] = static_cast<char>(flipped[flipped.size() - 3] ^ 0x40);
  write(file, flipped);
  expect_misleads(taken, "checksum mismatch for file");
  write(file, bytes.substr(0, 100));
  expect_misleads(taken, "has size 100");
  std::filesystem::remove(file);
  expect_misleads(taken, "is present in the manifest but not on disk");
  write(file, bytes);

  set("max_age", "1ms");
  expect_misleads(taken, "older than the 1ms that are allowed");
  unset("max_age");
  set("system_identifier", "7234");
  expect_misleads(taken, "is of cluster " + cluster_id() + ", not of 7234");
  unset("system_identifier");
  BackupTaken of_another = taken;
  Json live = taken.facts.get("live");
  of_another.facts.set("live", live.set("cluster", "7235"));
  expect_misleads(of_another, "not of 7235");
  // A difference that no checksum of the files can tell.
  live = taken.facts.get("live");
  of_another.facts.set("live", live.set("digest", "sha256:another"));
  expect_misleads(of_another, "does not have the content that the live cluster had");

  const std::string manifest = bytes_of(base_ + "/backup_manifest");
  write(base_ + "/backup_manifest", manifest + "\n");
  expect_misleads(taken, "is not the one that the backup's step looked at");
  std::filesystem::remove(base_ + "/backup_manifest");
  expect_misleads(backup(), "has no backup_manifest");
  std::filesystem::create_symlink(cluster_.data(), base_ + "/pg_tblspc/1");
  expect_refused(row().backup(archive(), context("backup-2")), "has tablespaces or links",
                 ErrorCode::unsupported);
}

TEST_F(RecoveryOnPostgres, AnArchiveThatMisleadsIsFoundOut) {
  const BackupTaken taken = backup();
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('later')");
  archive_now();
  const auto segments = archived();
  ASSERT_GE(segments.size(), 3U);
  const std::string middle = segments[segments.size() - 2], last = segments.back();
  const std::string bytes = bytes_of(wal_ + "/" + middle);

  std::filesystem::rename(wal_ + "/" + middle, wal_ + "/aside");
  expect_misleads(
      taken, "the WAL segment " + middle + " is not in " + wal_ + ", which goes on to " + last);
  write(wal_ + "/" + middle, bytes.substr(0, 1 << 20));
  expect_misleads(taken, middle + " has 1048576 bytes, not 16777216");
  std::string of_another = bytes;
  of_another[24] = static_cast<char>(of_another[24] ^ 1);
  write(wal_ + "/" + middle, of_another);
  expect_misleads(taken, middle + " is of cluster ");
  std::filesystem::copy_file(wal_ + "/" + last, wal_ + "/" + middle,
                             std::filesystem::copy_options::overwrite_existing);
  expect_misleads(taken, middle + " has another one's content");
  // Its beginning is right, and what follows is not: PostgreSQL takes that for the end.
  std::string damaged = bytes;
  std::fill(damaged.begin() + 40, damaged.begin() + (1 << 16), '\x5a');
  write(wal_ + "/" + middle, damaged);
  expect_misleads(taken, "though the archive goes on to " + last);
  write(wal_ + "/" + middle, bytes);

  // An archive that stopped before the backup's step.
  std::filesystem::create_directory(wal_ + ".aside");
  for (const auto& name : {middle, last}) {
    std::filesystem::rename(wal_ + "/" + name, wal_ + ".aside/" + name);
  }
  expect_misleads(taken, "of the live cluster is not in it");
  std::filesystem::remove_all(wal_);
  std::filesystem::create_directory(wal_);
  expect_misleads(taken, "there is no WAL in " + wal_);
}

TEST_F(RecoveryOnPostgres, APointThatIsNotReachedIsNoRestore) {
  const BackupTaken taken = backup();
  set("max_loss", "1us");
  expect_misleads(taken, "more than the 1us that are allowed");
  unset("max_loss");
  expect_misleads(taken, "recovery ended before configured recovery target was reached",
                  "2099-01-01T00:00:00Z");
  expect_misleads(taken, "the archive ends with " + archived().back(), "F/0");
  expect_misleads(taken, "it does not recover", "2001-01-01T00:00:00Z");
  set("dbname", "no-such");
  expect_misleads(taken, "database \"no-such\" does not exist");
  unset("dbname");
  // One that fetches nothing.
  set("restore_command", "false %f");
  expect_misleads(taken, "it does not recover");
  set("restore_command", "");
  expect_refused(prepared(taken), "its restore_command is empty", ErrorCode::invalid);
  unset("restore_command");
  unset("wal");
  expect_refused(prepared(taken), "no way to the archived WAL", ErrorCode::invalid);
}

// What fetches the WAL leaves no room for it: to a server that is as if there were none.

TEST_F(RecoveryOnPostgres, AFullDiskSaysNothingOfTheBackup) {
  const BackupTaken taken = backup();
  const std::string small = world_.file("small");
  std::filesystem::create_directories(small);
  ASSERT_EQ(mount("tmpfs", small.c_str(), "tmpfs", 0, "size=400m"), 0)
      << "this test must be allowed to mount a tmpfs (run it as root)";
  cluster_.give_to_server(small);
  set("scratch", small);
  set("restore_command", "head -c 1G /dev/zero > " + small + "/fill; cp " + wal_ + "/%f %p");
  begin();
  const auto undo = prepared(taken);
  EXPECT_TRUE(undo);
  if (undo) {
    expect_refused(row().fill_scratch(taken, *undo, context("restore-1")),
                   "the disk of the scratch server is full", ErrorCode::no_space);
    expect_undone(*undo);
  }
  EXPECT_EQ(umount2(small.c_str(), MNT_DETACH), 0);
}

TEST_F(RecoveryOnPostgres, AProgramThatIsNotThereSaysNothingOfTheBackup) {
  const BackupTaken taken = backup();
  set("restore_command", "/no/such/program %f %p");
  begin();
  const auto undo = prepared(taken);
  ASSERT_TRUE(undo);
  expect_refused(row().fill_scratch(taken, *undo, context("restore-1")),
                 "the program that fetches the WAL is not there", ErrorCode::unsupported);
  expect_undone(*undo);
}

TEST_F(RecoveryOnPostgres, ATimelineIsFollowedOrMissed) {
  const BackupTaken taken = backup();
  branch_off();
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('on another timeline')");
  const BackupTaken later = backup("backup-2");
  EXPECT_EQ(later.facts.get("live").integer("timeline", 0), 2);
  const Restored followed = restored(later);
  EXPECT_TRUE(followed.verified) << followed.text;
  EXPECT_EQ(followed.facts.get("recovered").integer("timeline", 0), 2);
  EXPECT_EQ(followed.facts.integer("rows", 0), 61);
  set("timeline", 1);
  const Restored old = restored(taken, "backup");
  EXPECT_TRUE(old.verified) << old.text;
  EXPECT_EQ(old.facts.get("recovered").integer("timeline", 0), 1);
  EXPECT_EQ(old.facts.integer("rows", 0), 60);
  expect_misleads(later, "recovery ended at ");
  set("timeline", 3);
  expect_misleads(taken, "no way leads to timeline 3");
  unset("timeline");
  std::filesystem::remove(wal_ + "/00000002.history");
  expect_misleads(later, "00000002.history is not in it");
}

// Its undo is all that is left of a runner that was killed.
TEST_F(RecoveryOnPostgres, WhateverWasBegunIsEndedByItsUndo) {
  const BackupTaken taken = backup();
  set("restore_command", "sleep 0.4; cp " + wal_ + "/%f %p");
  int number = 0;
  for (const Duration moment :
       {Duration(1ms), Duration(150ms), Duration(700ms), Duration(1500ms)}) {
    const Undo undo = prepared(taken, "latest", "killed-" + std::to_string(++number)).value();
    const pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      DeedWorld own;
      DeedContext there{own.doors(),          world_.system(),          {}, "drill", "killed",
                        own.private_folder(), {{}, own.clock().in(20s)}};
      (void)row().fill_scratch(taken, undo, there);
      _exit(0);
    }
    (void)world_.clock().sleep({{}, world_.clock().in(moment)});
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    expect_undone(undo);
    expect_undone(undo);
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch_));
}

TEST_F(RecoveryOnPostgres, AStopEndsItAtOnce) {
  const BackupTaken taken = backup();
  set("restore_command", "sleep 20; cp " + wal_ + "/%f %p");
  const Undo undo = prepared(taken).value();
  StopSource stop;
  world_.set_until({stop.stop(), world_.clock().in(30s)});
  Instant asked;
  std::jthread stopper([&] {
    (void)world_.clock().sleep({{}, world_.clock().in(1500ms)});
    asked = world_.clock().now().boot;
    stop.request();
  });
  const auto filled = row().fill_scratch(taken, undo, context("restore-1"));
  const Duration took = world_.clock().now().boot - asked;
  stopper.join();
  expect_refused(filled, "stopped", ErrorCode::stopped);
  EXPECT_LT(took, 200ms);
  world_.set_until({{}, world_.clock().in(30s)});
  expect_undone(undo);
}

TEST_F(RecoveryOnPostgres, WhatIsLackingIsRefusedBeforeAnythingIsDone) {
  const BackupTaken taken = backup();
  set("server_user", "no-such-user");
  expect_refused(prepared(taken), "there is no user no-such-user", ErrorCode::not_found);
  set("server_user", "root");
  expect_refused(prepared(taken), "no PostgreSQL server runs as root");
  unset("server_user");
  set("programs", "/usr/bin");
  expect_refused(prepared(taken), "there is no server of PostgreSQL 15 in /usr/bin",
                 ErrorCode::not_found);
  unset("programs");
  set("scratch", "/no/such/folder");
  expect_refused(prepared(taken), "there is no folder /no/such/folder", ErrorCode::not_found);
  set("scratch", scratch_);
  unset("of");
  expect_refused(prepared(backup("backup-2"), "backup"), "wants `of`", ErrorCode::invalid);
  set("of", "database");

  use_role("drill", "");
  expect_refused(row().backup(archive(), context("backup-3")), "permission denied");
  cluster_.change(
      "GRANT pg_read_all_data TO drill; GRANT EXECUTE ON FUNCTION pg_control_system(), "
      "pg_control_checkpoint() TO drill");
  expect_refused(row().backup(archive(), context("backup-4")), "cannot end the WAL segment");
  cluster_.change("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO drill");
  EXPECT_TRUE(restored(backup("backup-5")).verified);
}

TEST(PostgresArchive, OnlyWhatWasMadeForAMarkIsErased) {
  const auto from = [](const std::string& folder, const std::string& mark) {
    return scratch_cluster_from(Json::object({{"folder", folder}, {"mark", mark}})).has_value();
  };
  EXPECT_TRUE(from("/var/tmp/gameday-01J-3", "01J-3"));
  EXPECT_FALSE(from("/var/tmp/gameday-01J-3", "01J-4"));
  EXPECT_FALSE(from("/var/lib/postgresql", "01J-3"));
  EXPECT_FALSE(from("gameday-01J-3", "01J-3"));
  EXPECT_FALSE(from("/var/tmp/gameday-", ""));
}

TEST(PostgresArchive, APointIsReadAsWhatItIs) {
  EXPECT_EQ(parse_point("latest")->kind, RecoveryPoint::Kind::latest);
  EXPECT_EQ(parse_point("backup")->kind, RecoveryPoint::Kind::backup);
  EXPECT_EQ(parse_point("1/3000E88")->lsn, 0x103000E88U);
  EXPECT_EQ(parse_point("2026-11-26T15:15:40Z")->kind, RecoveryPoint::Kind::time);
  EXPECT_EQ(parse_point("name:before the deploy")->name, "before the deploy");
  for (const auto* wrong :
       {"yesterday", "name:", "0/", "/1", "0/XYZ", "123456789/0", "2026-11-26"}) {
    EXPECT_FALSE(parse_point(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace gameday
