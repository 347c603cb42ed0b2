#include "drills/systems/postgres_amcheck.h"

#include "tests/drills/postgres_archive_fixture.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

// Without checksums: then nothing but amcheck looks at a page.
class AmcheckOnPostgres : public PostgresArchiveTest {
 protected:
  void SetUp() override {
    begin();
    const auto ended = world_.doors().processes.run(
        {{PostgresCluster::program("pg_checksums"), "--pgdata", cluster_.data(), "--disable"},
         "/",
         {}},
        context("base").until);
    ASSERT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
    give_all(cluster_.data());
    PostgresArchiveTest::SetUp();
  }
  void give_all(const std::string& folder) {
    (void)world_.doors().processes.run({{"chown", "--recursive", "postgres:", folder}, "/", {}},
                                       context("base").until);
  }
  // Where a relation's file has these bytes, it has others, `before` bytes earlier.
  void damage(const std::string& relation, const std::string& at, std::size_t before,
              const std::string& with, const std::string& database = "shop") {
    cluster_.change("CHECKPOINT");
    const std::string file =
        cluster_.data() + "/" +
        cluster_.psql("SELECT pg_relation_filepath('" + relation + "')", database);
    std::string bytes = bytes_of(file);
    const auto found = bytes.find(at);
    ASSERT_NE(found, std::string::npos) << file;
    bytes.replace(found - before, with.size(), with);
    write(file, bytes);
    take_base({"--wal-method", "none"});
  }
  static std::string unchecked(const Restored& back) {
    std::string all;
    for (const Json& one : back.facts.get("recovered").get("amcheck").items("unchecked")) {
      all += one.text() + "\n";
    }
    return all;
  }
};

// What reading every row does not touch.
TEST_F(AmcheckOnPostgres, AnIndexThatIsDamagedIsFoundOut) {
  damage("sales.orders_key_key", "order-25", 0, "zzzzz-25");
  const BackupTaken taken = backup();
  expect_misleads(taken, "the index sales.orders_key_key of shop is damaged");
  set("amcheck", false);
  const Restored unseen = restored(taken);
  EXPECT_TRUE(unseen.verified) << unseen.text;
  EXPECT_EQ(unseen.text, "indexes and tables were not checked: `amcheck` is false");
  const Json& recovered = unseen.facts.get("recovered");
  EXPECT_TRUE(recovered.get("pages").is_null());
  EXPECT_EQ(recovered.get("amcheck").integer("indexes", -1), 0);
}

TEST_F(AmcheckOnPostgres, AnIndexThatLacksARowIsFoundOut) {
  cluster_.change(
      "INSERT INTO sales.lines SELECT 1, 'line ' || n FROM generate_series(1, 2000) AS n; "
      "CREATE INDEX by_what ON sales.lines (what)");
  // Of another row's place in the table.
  damage("sales.by_what", "line 1999", 9, std::string("\x00\x00\x00\x00\x01\x00", 6));
  expect_misleads(backup(), "the index sales.by_what of shop is damaged");
}

TEST_F(AmcheckOnPostgres, ATableOfAnyDatabaseThatIsDamagedIsFoundOut) {
  cluster_.change("CREATE TABLE notes AS SELECT 'needle'::text AS note", "postgres");
  // The row's own header, in which stands who wrote it: one who has not begun yet.
  damage("notes", "needle", 25, "\xff\xff\xff\x7f", "postgres");
  expect_misleads(backup(), "the table public.notes of postgres is damaged: page 0, row 1: xmin");
}

TEST_F(AmcheckOnPostgres, AFileThatIsGoneIsFoundOut) {
  cluster_.change("CREATE TABLE notes (note text PRIMARY KEY)", "postgres");
  cluster_.change("CHECKPOINT");
  fs::remove(cluster_.data() + "/" +
             cluster_.psql("SELECT pg_relation_filepath('notes_pkey')", "postgres"));
  take_base({"--wal-method", "none"});
  expect_misleads(backup(), "the index public.notes_pkey of postgres is damaged");
}

TEST_F(AmcheckOnPostgres, WhatCannotBeCheckedIsSaid) {
  cluster_.change("CREATE TABLE tags (list int[]); CREATE INDEX by_list ON tags USING gin (list)");
  cluster_.change("CREATE DATABASE closed", "postgres");
  cluster_.change("ALTER DATABASE closed ALLOW_CONNECTIONS false", "postgres");
  cluster_.change(
      "CREATE ROLE reader LOGIN BYPASSRLS; GRANT pg_read_all_data TO reader; "
      "GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO reader");
  take_base({"--wal-method", "none"});
  const BackupTaken taken = backup();
  const Restored most = restored(taken);
  EXPECT_TRUE(most.verified) << most.text;
  EXPECT_EQ(unchecked(most),
            "indexes and tables of closed were not checked: it takes no connections\n"
            "1 of the indexes of shop were not checked: they are no B-trees\n");
  EXPECT_TRUE(most.text.contains("of closed were not checked")) << most.text;
  // Who is no superuser may not have it made.
  set("user", "reader");
  const Restored none = restored(taken);
  EXPECT_TRUE(none.verified) << none.text;
  EXPECT_TRUE(none.text.contains("indexes and tables of shop were not checked: ")) << none.text;
  EXPECT_TRUE(none.text.contains("permission denied")) << none.text;
  EXPECT_EQ(none.facts.get("recovered").get("amcheck").integer("indexes", -1), 0);
}

// A server's programs without what their packages call contrib.
TEST_F(AmcheckOnPostgres, WhereTheServerLacksItThatIsSaid) {
  const std::string programs = world_.file("alone/usr/lib/postgresql/15/bin");
  const std::string share = world_.file("alone/usr/share/postgresql/15");
  const std::string usual = fs::path(PostgresCluster::program("postgres")).parent_path();
  fs::create_directories(programs);
  fs::create_directories(fs::path(share).parent_path());
  fs::copy("/usr/share/postgresql/15", share, fs::copy_options::recursive);
  fs::remove(share + "/extension/amcheck.control");
  for (const auto& entry : fs::directory_iterator(usual)) {
    fs::copy_file(entry.path(), fs::path(programs) / entry.path().filename());
  }
  fs::create_symlink("/usr/lib/postgresql/15/lib", programs + "/../lib");
  set("programs", programs);
  const Restored back = restored(backup());
  EXPECT_TRUE(back.verified) << back.text;
  EXPECT_TRUE(
      unchecked(back).contains("indexes and tables of shop were not checked: the server's "
                               "programs here lack the extension amcheck"))
      << unchecked(back);
  EXPECT_EQ(back.facts.get("recovered").get("amcheck").integer("indexes", -1), 0);
}

TEST(Amcheck, ServerThatIsGoneOrFullSaysNothingOfAnIndex) {
  for (const char* damaged : {"XX001", "XX002", "58P01"}) {
    EXPECT_EQ(amcheck_truth(damaged), Truth::fail) << damaged;
  }
  for (const char* other : {"", "57P01", "53100", "57014", "42501", "XX000", "58030"}) {
    EXPECT_EQ(amcheck_truth(other), Truth::unknown) << other;
  }
}

}  // namespace
}  // namespace gameday
