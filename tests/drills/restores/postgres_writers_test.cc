#include <fstream>

#include "tests/drills/postgres_archive_fixture.h"

namespace gameday {
namespace {

// A second server of the cluster that is restored into place, which the playbook names, too.
class SecondWriterOnPostgres : public PostgresArchiveTest {
 protected:
  ~SecondWriterOnPostgres() override { cluster_.stop_any(); }
  void SetUp() override {
    other_.emplace(world_.file("other"), cluster_);
    PostgresArchiveTest::SetUp();
    // The last one is the archive.
    auto& targets = world_.system().targets;
    aim(cluster_.start_words());
    Target again = targets.front();
    again.name = "the same by another name";
    again.facets = Json::object(
        {{"postgres", Json::object({{"connection", cluster_.conninfo("postgres", "postgres")}})}});
    targets.insert(targets.begin(), again);
  }
  // How the live one's server is started again.
  void aim(const std::vector<std::string>& start) {
    Json words = Json::array();
    for (const auto& word : start) words.push(word);
    for (auto& target : world_.system().targets) {
      if (target.name != "database") continue;
      target.facets.set("postgres-data",
                        Json::object({{"folder", cluster_.data()}, {"start", std::move(words)}}));
    }
  }
  void start_other(bool writes) {
    if (writes) std::filesystem::remove(other_->data() + "/standby.signal");
    other_->start();
    Target named = world_.system().targets.front();
    named.name = "other";
    named.facets = Json::object(
        {{"postgres", Json::object({{"connection", other_->conninfo("postgres", "postgres")}})}});
    world_.system().targets.insert(world_.system().targets.begin(), named);
    const std::string recovering = other_->psql("SELECT pg_is_in_recovery()", "postgres");
    ASSERT_EQ(recovering, writes ? "f" : "t");
  }
  std::string started() const { return psql("SELECT pg_postmaster_start_time()"); }
  Result<Undo> prepared_place(const BackupTaken& taken) {
    begin();
    return row().prepare_place({"step", "restore", "archive", Json::object({{"point", "backup"}})},
                               taken, context("place-1"));
  }
  Result<Restored> put(const BackupTaken& taken, const Undo& undo) {
    return row().restore_place(archive(), taken, undo, context("place-1"));
  }
  void expect_undone_in_place(const Undo& undo) {
    begin();
    const auto done = row().undo(undo, context("place-1"));
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    const auto gone = row().gone(undo, context("place-1"));
    EXPECT_TRUE(gone && gone->held) << (gone ? gone->text : gone.error().text);
  }

  std::optional<PostgresCluster> other_;
};

TEST_F(SecondWriterOnPostgres, OneThatWritesAlreadyIsFoundBeforeTheCutover) {
  start_other(true);
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  const std::string before = started();
  const auto undo = prepared_place(taken);
  ASSERT_TRUE(undo) << undo.error().text;
  expect_refused(put(taken, *undo), "there would be two writers: other (timeline 1) takes writes",
                 ErrorCode::conflict);
  EXPECT_EQ(started(), before) << "the place was not left alone";
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "0");
  expect_undone_in_place(*undo);
  EXPECT_EQ(started(), before);
}

TEST_F(SecondWriterOnPostgres, OneThatFollowsIsNone) {
  start_other(false);
  const BackupTaken taken = backup();
  const auto undo = prepared_place(taken);
  ASSERT_TRUE(undo) << undo.error().text;
  const auto placed = put(taken, *undo);
  ASSERT_TRUE(placed) << placed.error().text;
  EXPECT_TRUE(placed->verified) << placed->text;
  const auto& others = placed->facts.get("place").items("others");
  ASSERT_EQ(others.size(), 1U) << "the same server was taken for another one";
  EXPECT_EQ(others.front().text("target"), "other");
  EXPECT_FALSE(others.front().boolean("takes_writes", true));
  expect_undone_in_place(*undo);
}

// Somebody promotes it while the place has no server.
TEST_F(SecondWriterOnPostgres, OneThatWritesFromTheCutoverOnIsFoundToo) {
  start_other(false);
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  const std::string script = world_.file("start");
  std::ofstream file(script);
  file << "#!/bin/sh\npsql -XqAt -d '" << other_->conninfo("postgres", "postgres")
       << "' -c 'SELECT pg_promote()'\nexec";
  for (const auto& word : cluster_.start_words()) file << " \"" << word << '"';
  file << "\n";
  file.close();
  std::filesystem::permissions(script, std::filesystem::perms(0755));
  aim({script});
  const auto undo = prepared_place(taken);
  ASSERT_TRUE(undo) << undo.error().text;
  expect_refused(put(taken, *undo), "there would be two writers: other (timeline 2) takes writes",
                 ErrorCode::conflict);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "10") << "it was not done yet";
  expect_undone_in_place(*undo);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "0");
}

}  // namespace
}  // namespace gameday
