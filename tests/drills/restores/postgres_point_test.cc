#include "tests/drills/postgres_archive_fixture.h"

namespace gameday {
namespace {

class PointOnPostgres : public PostgresArchiveTest {};

TEST_F(PointOnPostgres, APlaceInTheWalIsReached) {
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines WHERE order_id > 5");
  const std::string place = psql("SELECT pg_current_wal_insert_lsn()");
  cluster_.change("DELETE FROM sales.lines");
  archive_now();
  const Restored back = restored(taken, place);
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_EQ(back.facts.integer("rows", 0), 55);
  const Json& recovered = back.facts.get("recovered");
  EXPECT_GE(parse_lsn(recovered.text("lsn")).value(), parse_lsn(place).value());
  EXPECT_TRUE(recovered.text("stopped").starts_with("after LSN ")) << recovered.text("stopped");
  EXPECT_EQ(recovered.text("point"), place);
}

TEST_F(PointOnPostgres, ARestorePointIsReachedOrMissed) {
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines WHERE order_id > 5");
  cluster_.change("SELECT pg_create_restore_point('before the deploy')");
  cluster_.change("DELETE FROM sales.lines");
  archive_now();
  const Restored back = restored(taken, "name:before the deploy");
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_EQ(back.facts.integer("rows", 0), 55);
  EXPECT_EQ(back.facts.get("recovered").text("stopped"), "at restore point \"before the deploy\"");
  EXPECT_EQ(back.facts.get("recovered").text("point"), "name:before the deploy");
  expect_misleads(taken, "recovery ended before configured recovery target was reached",
                  "name:after the deploy");
}

// Nobody goes back to before his own beginning, though a server that finds a later transaction
// takes that for the end.
TEST_F(PointOnPostgres, ATimeBeforeTheBaseBackupIsNotReached) {
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  archive_now();
  expect_misleads(taken, ", later than 2001-01-01T00:00:00", "2001-01-01T00:00:00Z");
}

// One that is told another point on its command line, which goes before what its file says.
TEST_F(PointOnPostgres, AServerThatDoesNotStopAtThePointIsFoundOut) {
  const std::string programs = world_.file("programs");
  const std::filesystem::path usual =
      std::filesystem::path(PostgresCluster::program("postgres")).parent_path();
  std::filesystem::create_directories(programs);
  for (const auto& entry : std::filesystem::directory_iterator(usual)) {
    const auto link = std::filesystem::path(programs) / entry.path().filename();
    if (link.filename() != "postgres") std::filesystem::create_symlink(entry.path(), link);
  }
  const auto told = [&](const std::string& more) {
    std::ofstream(programs + "/postgres")
        << "#!/bin/sh\nexec " << (usual / "postgres").string() << " \"$@\" " << more << "\n";
    std::filesystem::permissions(programs + "/postgres", std::filesystem::perms(0755));
  };
  told("");
  set("programs", programs);
  const BackupTaken taken = backup();
  const auto now = [&] {
    return psql(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
  };
  const std::string time = now(), place = psql("SELECT pg_current_wal_insert_lsn()");
  cluster_.change("SELECT pg_create_restore_point('here')");
  cluster_.change("DELETE FROM sales.lines WHERE order_id > 5");
  const std::string later = now();
  cluster_.change("DELETE FROM sales.lines");
  archive_now();
  const Restored back = restored(taken, time);
  EXPECT_TRUE(back.verified);
  EXPECT_EQ(back.facts.get("recovered").text("point"), time);
  // A server knows no Z.
  told("-c recovery_target_time='" + later.substr(0, later.size() - 1) + "+00'");
  expect_misleads(taken, "recovery went beyond " + time, time);
  told("-c recovery_target_time= -c recovery_target_name= -c recovery_target_lsn=");
  const std::string to_the_end = "(no recovery target specified)";
  expect_misleads(taken, "recovery went beyond " + time, time);
  expect_misleads(taken, to_the_end, "name:here");
  expect_misleads(taken, to_the_end, place);
  // The last transaction of all is before it.
  expect_misleads(taken, to_the_end, now());
}

}  // namespace
}  // namespace gameday
