#include "drills/systems/postgres_content.h"
#include "drills/systems/postgres_dump.h"
#include "drills/systems/postgres_swap.h"
#include "drills/systems/sqlite.h"
#include "tests/drills/postgres_certificates.h"
#include "tests/drills/postgres_fixture.h"

namespace gameday {

extern const RestoreRow postgres_restore;

namespace {

class RestoreOnPostgres : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    (void)target(cluster_.conninfo());
  }
  const Target& database() { return world_.system().targets.front(); }
  BackupTaken backup(const std::string& mark = "backup-1") {
    auto taken = postgres_restore.backup(database(), context(mark));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Undo prepared_scratch(const BackupTaken& taken) {
    auto undo = postgres_restore.prepare_scratch(
        {"step", "restore", database().name, Json::object()}, taken, context("scratch-1"));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Restored scratch(const BackupTaken& taken) {
    const Undo undo = prepared_scratch(taken);
    auto restored = postgres_restore.fill_scratch(taken, undo, context("scratch-1"));
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    expect_undone(undo, "scratch-1");
    return restored.value_or(Restored{});
  }
  Undo prepared() {
    auto undo = postgres_restore.prepare(database(), context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Restored place(const BackupTaken& taken, const Undo& undo) {
    auto restored = postgres_restore.restore_place(database(), taken, undo, context());
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    return restored.value_or(Restored{});
  }
  void expect_undone(const Undo& undo, const std::string& mark = "drill-1") {
    const auto done = postgres_restore.undo(undo, context(mark));
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    const auto gone = postgres_restore.gone(undo, context(mark));
    EXPECT_TRUE(gone && gone->held) << (gone ? gone->text : gone.error().text);
  }
  void expect_bad(const BackupTaken& taken, const std::string& part) {
    const Restored restored = scratch(taken);
    EXPECT_FALSE(restored.verified);
    EXPECT_TRUE(restored.text.contains(part)) << restored.text;
    EXPECT_EQ(databases(), "postgres,shop,template0,template1");
  }
  std::string databases() const {
    return psql("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database");
  }
  std::string count(const std::string& database = "shop") const {
    return psql("SELECT count(*) FROM sales.orders", database);
  }
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string bytes_of(const BackupTaken& taken) {
    return world_.doors().files.read(taken.id).value_or("");
  }
  // The same backup, whose file has those bytes and is said to have always had them.
  BackupTaken with_bytes(BackupTaken taken, const std::string& bytes) {
    taken.id += ".changed";
    write(taken.id, bytes);
    taken.sha256 = file_sha256(taken.id).value();
    return taken;
  }
};

// pg_dump and pg_restore are children, which must be as wary as we are.
TEST_F(RestoreOnPostgres, ADumpGoesOverTlsAsTheTargetSays) {
  const PostgresCertificates certificates(world_.file("certificates"));
  cluster_.stop();
  certificates.give_to(cluster_);
  cluster_.start();
  setenv("TLS_TEST_PASSWORD", "shop-secret", 1);
  const auto aim = [&](const std::string& root) {
    PostgresSettings settings = *postgres_settings(
        "host=localhost port=" + cluster_.port() +
        " user=shop password=${env:TLS_TEST_PASSWORD} dbname=shop sslmode=verify-full");
    set_setting(settings, "sslrootcert", certificates.file(root));
    return settings;
  };
  const std::string path = world_.private_folder() + "/over-tls.dump";
  for (const char* sql : {"ALTER SYSTEM SET log_connections = on", "SELECT pg_reload_conf()"}) {
    cluster_.change(sql);
  }
  const auto dumped = dump_database(aim("ca.pem"), path, context());
  ASSERT_TRUE(dumped) << dumped.error().text;
  cluster_.change("CREATE DATABASE there OWNER shop", "postgres");
  const auto loaded = load_dump(aim("ca.pem"), "there", path, Ownership::ours, context());
  EXPECT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(count("there"), "50");
  for (const char* program : {"pg_dump", "pg_restore"}) {
    const std::string log = cluster_.log();
    const auto at = log.find(std::string("application_name=") + program + " SSL enabled");
    EXPECT_NE(at, std::string::npos) << program << " was not in secret: " << log;
  }
  EXPECT_FALSE(dump_database(aim("other.pem"), path, context()));
  const auto refused = load_dump(aim("other.pem"), "there", path, Ownership::ours, context());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed) << "it was taken for the dump's fault";
  EXPECT_TRUE(refused.error().text.contains("certificate verify failed")) << refused.error().text;
  unsetenv("TLS_TEST_PASSWORD");
}

// What its server is like says nothing of a dump.
TEST_F(RestoreOnPostgres, ADumpIsNotBadBecauseItsServerIsGone) {
  const BackupTaken taken = backup();
  PostgresSettings settings = *postgres_settings(database());
  cluster_.change("CREATE DATABASE there", "postgres");
  const auto load = [&](const std::string& path) {
    return load_dump(settings, "there", path, Ownership::ours, context());
  };
  const std::string bytes = bytes_of(taken);
  write(taken.id + ".half", bytes.substr(0, bytes.size() / 2));
  const auto half = load(taken.id + ".half");
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, ErrorCode::corrupt) << half.error().text;
  EXPECT_TRUE(load(taken.id));
  const auto again = load(taken.id);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict) << again.error().text;
  set_setting(settings, "port", std::to_string(PostgresCluster::free_port()));
  const auto gone = load(taken.id);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::failed) << gone.error().text;
  EXPECT_TRUE(gone.error().text.contains("cannot be reached")) << gone.error().text;
}

TEST_F(RestoreOnPostgres, AScratchCopyOfSomebodyWhoDiedGoesByItsUndo) {
  const BackupTaken taken = backup();
  const Undo undo = prepared_scratch(taken);
  expect_undone(undo, "scratch-1");
  ASSERT_TRUE(postgres_restore.fill_scratch(taken, undo, context("scratch-1")));
  EXPECT_TRUE(databases().contains(fresh_name("scratch-1"))) << databases();
  EXPECT_FALSE(postgres_restore.gone(undo, context("scratch-1"))->held);
  expect_undone(undo, "scratch-1");
  EXPECT_EQ(databases(), "postgres,shop,template0,template1");
  EXPECT_EQ(count(), "50");
}

TEST_F(RestoreOnPostgres, ABackupIsRestoredAsideAndLeavesNothing) {
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.integer("tables", 0), 2);
  EXPECT_EQ(taken.facts.integer("rows", 0), 60);
  EXPECT_EQ(std::filesystem::status(taken.id).permissions(), std::filesystem::perms(0600));
  cluster_.change("DELETE FROM sales.lines");
  const Restored restored = scratch(taken);
  EXPECT_TRUE(restored.verified) << restored.text;
  EXPECT_FALSE(restored.vacuous);
  EXPECT_EQ(databases(), "postgres,shop,template0,template1");
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "0") << "the live database was touched";
}

TEST_F(RestoreOnPostgres, WhatIsWrittenMeanwhileIsNoPartOfIt) {
  const BackupTaken before = backup();
  std::jthread writer([&](const std::stop_token& stop) {
    for (int n = 0; !stop.stop_requested(); ++n) {
      cluster_.change("INSERT INTO sales.orders (key) VALUES ('busy-" + std::to_string(n) + "')");
    }
  });
  ASSERT_TRUE(eventually([&] { return count() != "50"; }));
  const BackupTaken taken = backup("backup-2");
  writer.request_stop();
  writer.join();
  EXPECT_NE(taken.digest, before.digest);
  EXPECT_TRUE(scratch(taken).verified);
}

TEST_F(RestoreOnPostgres, ADamagedBackupIsFoundOut) {
  const BackupTaken taken = backup();
  const std::string bytes = bytes_of(taken);
  std::string flipped = bytes;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x40);
  write(taken.id, flipped);
  expect_bad(taken, "is not the file that was written");
  write(taken.id, bytes.substr(0, bytes.size() / 2));
  expect_bad(taken, "is not the file that was written");
  write(taken.id, "");
  expect_bad(taken, "is not the file that was written");
  std::filesystem::remove(taken.id);
  expect_bad(taken, "No such file or directory");
  // The same where its digest is no help, because it was damaged before it was taken.
  expect_bad(with_bytes(taken, bytes.substr(0, bytes.size() / 2)), "pg_restore");
  expect_bad(with_bytes(taken, ""), "pg_restore");
  expect_bad(with_bytes(taken, std::string(4096, 'x')), "pg_restore");
}

TEST_F(RestoreOnPostgres, ABackupOfAnotherContentIsFoundOut) {
  const BackupTaken first = backup();
  cluster_.change("UPDATE sales.orders SET item = 'changed' WHERE id = 7");
  BackupTaken second = backup("backup-2");
  EXPECT_TRUE(scratch(second).verified);
  second.digest = first.digest;
  expect_bad(second, "does not have the content that it had when taken");
  second = first;
  second.target = "another";
  expect_bad(second, "is of postgres:");
}

TEST_F(RestoreOnPostgres, WithoutRowsNothingIsProven) {
  cluster_.change("TRUNCATE sales.orders, sales.lines");
  const Restored restored = scratch(backup());
  EXPECT_TRUE(restored.verified);
  EXPECT_TRUE(restored.vacuous);
}

TEST_F(RestoreOnPostgres, IntoPlaceItTakesThePlaceAndEverythingElseStays) {
  cluster_.change(
      "ALTER DATABASE shop SET search_path = sales, public; ALTER DATABASE shop SET "
      "work_mem = '5MB'; ALTER ROLE shop IN DATABASE shop SET statement_timeout = '9s'; "
      "GRANT CONNECT ON DATABASE shop TO shop; REVOKE TEMPORARY ON DATABASE shop FROM "
      "PUBLIC; ALTER DATABASE shop CONNECTION LIMIT 11; COMMENT ON DATABASE shop IS "
      "'it''s the shop'; GRANT SELECT ON sales.orders TO pg_monitor");
  const std::string about =
      "SELECT pg_get_userbyid(datdba), datconnlimit, (SELECT array_agg(a::text ORDER BY a::text) "
      "FROM unnest(datacl) AS a), shobj_description(oid, "
      "'pg_database'), (SELECT array_agg(setrole::regrole || setconfig::text ORDER BY setrole) "
      "FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database AS d WHERE datname = "
      "'shop'; SELECT relacl, pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'orders'";
  const std::string before = psql(about);
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines; DELETE FROM sales.orders WHERE id > 20");
  const auto settings = postgres_settings_of(cluster_.conninfo("shop"));
  auto client = Postgres::open(*settings, world_.clock(), context().until);
  const Undo undo = prepared();
  EXPECT_EQ(databases(), "postgres,shop,template0,template1");
  const Restored restored = place(taken, undo);
  EXPECT_TRUE(restored.verified) << restored.text;
  EXPECT_FALSE(restored.vacuous);
  EXPECT_EQ(restored.facts.integer("rows_before", 0), 20);
  EXPECT_FALSE(client->ask("SELECT 1")) << "a session of before goes on in what was replaced";
  EXPECT_EQ(count(), "50");
  EXPECT_EQ(psql(about), before);
  EXPECT_FALSE(postgres_restore.gone(undo, context())->held);
  expect_undone(undo);
  EXPECT_EQ(count(), "20");
  EXPECT_EQ(psql(about), before);
  expect_undone(undo);
  EXPECT_EQ(databases(), "postgres,shop,template0,template1");
}

TEST_F(RestoreOnPostgres, WhatWasWrittenSinceIsNotThrownAway) {
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  const Undo undo = prepared();
  ASSERT_TRUE(place(taken, undo).verified);
  cluster_.change("INSERT INTO sales.orders (key) VALUES ('since')");
  expect_refused(postgres_restore.undo(undo, context()), "has been written to since",
                 ErrorCode::conflict);
  EXPECT_EQ(count(), "51");
  EXPECT_TRUE(databases().contains(kept_name("drill-1")));
}

TEST_F(RestoreOnPostgres, AtItsCloseWhatWasKeptGoesOrStays) {
  const BackupTaken taken = backup();
  cluster_.change("DELETE FROM sales.lines");
  const Undo undo = prepared();
  ASSERT_TRUE(place(taken, undo).verified);
  ASSERT_TRUE(postgres_restore.close(undo, true, context()));
  EXPECT_TRUE(databases().contains(kept_name("drill-1")));
  ASSERT_TRUE(postgres_restore.close(undo, false, context()));
  EXPECT_EQ(databases(), "postgres,shop,template0,template1");
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "10");
}

TEST_F(RestoreOnPostgres, ADamagedBackupDoesNotComeIntoPlace) {
  const BackupTaken taken = backup();
  const std::string bytes = bytes_of(taken);
  const Undo undo = prepared();
  const Restored restored = place(with_bytes(taken, bytes.substr(0, bytes.size() / 2)), undo);
  EXPECT_FALSE(restored.verified);
  EXPECT_EQ(databases(), "postgres,shop,template0,template1");
  expect_undone(undo);
  EXPECT_EQ(count(), "50");
}

TEST_F(RestoreOnPostgres, NothingThatWasNotThereIsVacuous) {
  const BackupTaken taken = backup();
  const Undo undo = prepared();
  const Restored restored = place(taken, undo);
  EXPECT_TRUE(restored.verified);
  EXPECT_TRUE(restored.vacuous);
  expect_undone(undo);
}

TEST_F(RestoreOnPostgres, WithTheSmallestRightsItIsDoneAndWithLessRefused) {
  (void)target_as("drill");
  expect_refused(postgres_restore.prepare(database(), context()), "we may not put another");
  expect_refused(postgres_restore.backup(database(), context("backup-0")), "permission denied",
                 ErrorCode::failed);
  cluster_.change("ALTER ROLE drill CREATEDB; GRANT pg_read_all_data TO drill");
  const BackupTaken taken = backup();
  EXPECT_TRUE(scratch(taken).verified);
  expect_refused(postgres_restore.prepare(database(), context()), "we may not put another");
  cluster_.change("GRANT shop, pg_signal_backend TO drill");
  cluster_.change("DELETE FROM sales.lines");
  const Undo undo = prepared();
  EXPECT_TRUE(place(taken, undo).verified);
  EXPECT_EQ(psql("SELECT count(*) FROM sales.lines"), "10");
  expect_undone(undo);
}

TEST_F(RestoreOnPostgres, AContentIsItsRowsWhateverTheirOrderAndItsSchema) {
  const auto content = [&] {
    auto session = open_postgres(*postgres_settings(database()), context()).value();
    EXPECT_TRUE(session.begin(PostgresAccess::snapshot));
    return read_content(session).value();
  };
  const auto before = content();
  EXPECT_EQ(content().digest, before.digest);
  cluster_.change(
      "CREATE TABLE again AS SELECT * FROM sales.lines ORDER BY random(); TRUNCATE "
      "sales.lines; INSERT INTO sales.lines SELECT * FROM again ORDER BY random(); "
      "DROP TABLE again; CREATE SCHEMA gameday_x; CREATE TABLE gameday_x.kept (x int)");
  EXPECT_EQ(content().digest, before.digest);
  cluster_.change("UPDATE sales.lines SET what = what || '!' WHERE order_id = 3");
  EXPECT_NE(content().digest, before.digest);
  EXPECT_EQ(content().schema, before.schema);
  cluster_.change("DROP INDEX sales.by_item");
  EXPECT_NE(content().schema, before.schema);
}

}  // namespace
}  // namespace gameday
