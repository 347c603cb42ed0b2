#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const FaultRow break_archiving_fault;

namespace {

class BreakArchivingOnPostgres : public PostgresFaultTest {
 protected:
  BreakArchivingOnPostgres() : PostgresFaultTest(break_archiving_fault) {}
  void SetUp() override {
    archive_ = world_.file("archive");
    std::filesystem::create_directory(archive_);
    cluster_.give_to_server(archive_);
    cluster_.archive_by("cp %p " + archive_ + "/%f");
    PostgresFaultTest::SetUp();
    (void)target(cluster_.conninfo());
  }
  // The segment that holds what was written until now, once it is ended.
  std::string segment() const {
    return psql(
        "SELECT pg_walfile_name(pg_switch_wal()) FROM pg_logical_emit_message(false, '', '')");
  }
  bool archived(const std::string& segment) const {
    return std::filesystem::exists(archive_ + "/" + segment);
  }
  std::string command() const { return psql("SELECT current_setting('archive_command')"); }

  std::string archive_;
};

TEST_F(BreakArchivingOnPostgres, NothingReachesTheArchiveAndThenAllOfIt) {
  const std::string before = command(), first = segment();
  ASSERT_TRUE(eventually([&] { return archived(first); }));
  const Undo undo = prepared(Json::object());
  EXPECT_FALSE(prove(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held) << prove(undo).text;
  EXPECT_FALSE(gone(undo).held);
  EXPECT_EQ(break_archiving_fault.discover(deed(break_archiving_fault, Json::object()), context())
                ->items()[0]
                .text("mark"),
            "drill-1");
  const std::string second = segment();
  EXPECT_FALSE(archived(second));
  expect_undone(undo);
  EXPECT_EQ(gone(undo).text, "archiving works again");
  EXPECT_TRUE(eventually([&] { return archived(second); }));
  EXPECT_EQ(command(), before);
  EXPECT_EQ(psql("SELECT count(*) FROM pg_file_settings WHERE sourcefile ~ 'auto.conf'"), "0");
  expect_undone(undo);
}

TEST_F(BreakArchivingOnPostgres, WhatAlterSystemHadSetComesBack) {
  cluster_.change("ALTER SYSTEM SET archive_command = 'true # it''s mine'");
  cluster_.change("SELECT pg_reload_conf()");
  ASSERT_TRUE(eventually([&] { return command() == "true # it's mine"; }));
  const Undo undo = prepared(Json::object());
  EXPECT_FALSE(to_json(undo).dump().contains("mine")) << "it may tell a secret";
  ASSERT_TRUE(inject(undo));
  expect_undone(undo);
  EXPECT_EQ(command(), "true # it's mine");
  ASSERT_TRUE(break_archiving_fault.close(undo, false, context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(BreakArchivingOnPostgres, WhatSomebodyElseHasSetSinceStays) {
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  cluster_.change("ALTER SYSTEM SET archive_command = 'true'");
  cluster_.change("SELECT pg_reload_conf()");
  ASSERT_TRUE(eventually([&] { return command() == "true"; }));
  expect_undone(undo);
  EXPECT_EQ(command(), "true");
}

TEST_F(BreakArchivingOnPostgres, OneThatWasKilledBeforeTheServerReadItIsUndone) {
  const Undo undo = prepared(Json::object());
  cluster_.change(
      "ALTER SYSTEM SET archive_command = 'exit 1 # gameday breaks archiving, by deed "
      "drill-1'");
  expect_undone(undo);
  cluster_.change("SELECT pg_reload_conf()");
  EXPECT_TRUE(command().starts_with("cp "));
  EXPECT_EQ(psql("SELECT count(*) FROM pg_file_settings WHERE sourcefile ~ 'auto.conf'"), "0");
}

TEST_F(BreakArchivingOnPostgres, WhatFailsAsItIsIsRefused) {
  std::filesystem::remove(archive_);
  (void)segment();
  ASSERT_TRUE(
      eventually([&] { return psql("SELECT failed_count > 0 FROM pg_stat_archiver") == "t"; }));
  expect_refused(prepare(Json::object()), "its archive_command fails");
}

TEST_F(BreakArchivingOnPostgres, WhoMayNotIsFoundOutBeforeAndTheRightsAreEnough) {
  (void)target_as("drill");
  expect_refused(may(Json::object()), "we may not change archive_command");
  cluster_.change(
      "GRANT ALTER SYSTEM ON PARAMETER archive_command TO drill; GRANT pg_read_all_settings TO "
      "drill; GRANT SELECT ON pg_file_settings TO drill; GRANT EXECUTE ON FUNCTION "
      "pg_show_all_file_settings(), pg_reload_conf(), pg_switch_wal() TO drill");
  EXPECT_TRUE(may(Json::object()));
  const Undo undo = prepared(Json::object());
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(prove(undo).held);
  expect_undone(undo);
}

class BreakArchivingWithoutAnArchiveOnPostgres : public PostgresFaultTest {
 protected:
  BreakArchivingWithoutAnArchiveOnPostgres() : PostgresFaultTest(break_archiving_fault) {}
};

TEST_F(BreakArchivingWithoutAnArchiveOnPostgres, IsRefused) {
  (void)target(cluster_.conninfo());
  expect_refused(prepare(Json::object()), "archives nothing");
}

}  // namespace
}  // namespace gameday
