#include "tests/drills/postgres_fixture.h"
#include "tests/drills/row_load.h"

namespace gameday {

extern const LoadRow sql_load;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Json facts(const std::string& connection = "database") {
  return Json::object(
      {{"connection", connection},
       {"write", "INSERT INTO facts (key, digest, drill) VALUES ({key}, {digest}, {drill})"},
       {"list", "SELECT key, digest FROM facts WHERE drill = {drill}"},
       {"read", "SELECT digest FROM facts WHERE key = {key}"},
       {"remove", "DELETE FROM facts WHERE drill = {drill}"}});
}

TEST(SqlLoad, WhatCannotWorkIsFoundByCheck) {
  DeedWorld world;
  world.add_target("database", "postgres", Json::object({{"connection", "dbname=shop"}}));
  const auto wrong = [&](std::string_view field, const std::string& text) {
    Json arguments = facts();
    arguments.set(field, text);
    return RowLoad(world, sql_load, arguments).wrong();
  };
  EXPECT_EQ(RowLoad(world, sql_load, facts()).wrong(), "");
  EXPECT_EQ(RowLoad(world, sql_load, facts("dbname=shop")).wrong(), "");
  EXPECT_TRUE(wrong("connection", "nothing").contains("no target"));
  EXPECT_TRUE(wrong("connection", "dbname=shop password=x").contains("in plain"));
  EXPECT_TRUE(wrong("write", "INSERT INTO facts VALUES ({key})").contains("write: "));
  EXPECT_TRUE(wrong("write", "INSERT INTO facts VALUES ('{key}', {digest})").contains("in quotes"));
  EXPECT_TRUE(wrong("list", "SELECT key, digest FROM facts").contains("list: "));
  EXPECT_TRUE(wrong("read", "SELECT digest FROM facts").contains("read: "));
  EXPECT_TRUE(wrong("remove", "").contains("no `remove`"));
  EXPECT_TRUE(wrong("remove", "DELETE FROM facts").contains("what is not the drill's"));
}

TEST(SqlLoad, KeepsALedgerWhereItCanBeReadBack) {
  const auto keeps = [](std::initializer_list<const char*> without) {
    Json arguments = facts();
    for (const auto* name : without) arguments.erase(name);
    return sql_load.keeps_ledger(arguments);
  };
  EXPECT_TRUE(keeps({}));
  EXPECT_TRUE(keeps({"list"}));
  EXPECT_TRUE(keeps({"read"}));
  EXPECT_FALSE(keeps({"list", "read"}));
  EXPECT_TRUE(sql_load.shown(facts()).starts_with("database: INSERT INTO"));
  EXPECT_TRUE(sql_load.shown(facts("host=x user=y")).starts_with("INSERT INTO"));
}

class SqlLoadOnPostgresTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    psql("CREATE TABLE facts (key text, digest text NOT NULL, drill text NOT NULL)");
    target_as("drill", "GRANT SELECT, INSERT, DELETE ON facts TO drill;");
  }
  std::string rows() { return psql("SELECT key || ' ' || digest FROM facts"); }
  std::string rows_of(const std::string& where) {
    return psql("SELECT count(*) FROM facts WHERE " + where);
  }

  RowLoad load_{world_, sql_load, facts()};
};

TEST_F(SqlLoadOnPostgresTest, WhatIsAcknowledgedIsThereAndNothingIsLost) {
  psql("INSERT INTO facts VALUES ('theirs', 'x', 'another')");
  load_.run(seconds(2));
  EXPECT_GT(load_.count(SampleOutcome::ok), 100U);
  EXPECT_EQ(load_.acknowledged().size(), load_.samples().size());
  EXPECT_EQ(rows_of("drill = 'drill'"), std::to_string(load_.samples().size()));
  const LedgerSummary summary = load_.judge(world_.clock().now().boot);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_EQ(summary.present, load_.samples().size());
  EXPECT_EQ(summary.rpo_s.worst, 0);
  EXPECT_EQ(summary.phantom, 0U);
  expect_same(load_, summary, load_.told_by_script(rows(), world_.clock().now().boot));

  EXPECT_FALSE(load_.gone().held);
  ASSERT_TRUE(load_.undo());
  EXPECT_TRUE(load_.gone().held);
  EXPECT_TRUE(load_.undo()) << "again, as after a death";
  EXPECT_EQ(psql("SELECT key FROM facts"), "theirs");
}

// The server acknowledges what it has not written yet, and is ended as by a power cut.
TEST_F(SqlLoadOnPostgresTest, WhatACrashTookIsNamedWithItsRecoveryPoint) {
  psql("ALTER SYSTEM SET synchronous_commit = off");
  psql("ALTER SYSTEM SET wal_writer_delay = '10s'");
  cluster_.crash();
  load_.start();
  load_.rest(seconds(3));
  const Instant disaster = world_.clock().now().boot;
  cluster_.crash();
  load_.rest(seconds(1));
  load_.end();
  const LedgerSummary summary = load_.judge(disaster);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_GT(summary.lost, 0U);
  EXPECT_GT(summary.present, 0U) << "it went on after the restart";
  EXPECT_GT(summary.rpo_s.best, 0);
  expect_same(load_, summary, load_.told_by_script(rows(), disaster));
  EXPECT_EQ(std::to_string(summary.present + summary.recovered), rows_of("true"));
}

TEST_F(SqlLoadOnPostgresTest, RowsAreToldApart) {
  load_.run(seconds(1));
  ASSERT_GT(load_.acknowledged().size(), 60U);
  psql("DELETE FROM facts WHERE key IN ('" + load_.key(20) + "', '" + load_.key(30) + "')");
  psql("INSERT INTO facts SELECT * FROM facts WHERE key = '" + load_.key(40) + "'");
  psql("UPDATE facts SET digest = 'made up' WHERE key = '" + load_.key(50) + "'");
  psql("UPDATE facts SET digest = '" + load_.digest(1) + "' WHERE key = '" + load_.key(51) + "'");
  psql("INSERT INTO facts VALUES ('" + load_.key(900000) + "', 'x', 'drill')");
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(load_.found["lost"], (std::set{load_.key(20), load_.key(30)}));
  EXPECT_EQ(load_.found["duplicate"], std::set{load_.key(40)});
  EXPECT_EQ(load_.found["corrupt"], std::set{load_.key(50)});
  EXPECT_EQ(load_.found["stale"], std::set{load_.key(51)});
  EXPECT_EQ(load_.found["phantom"], std::set{load_.key(900000)});
  EXPECT_GT(summary.rpo_s.hole, 0) << "what is lost lies before what is there";
}

TEST_F(SqlLoadOnPostgresTest, ATableThatIsGoneHoldsNothing) {
  load_.run(seconds(1));
  psql("DROP TABLE facts");
  const LedgerSummary summary = load_.judge();
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_EQ(summary.lost, load_.acknowledged().size());
  EXPECT_TRUE(load_.undo());
  EXPECT_TRUE(load_.gone().held);
}

// Who waits for a lock is given up, and does not write when nobody waits for it any more.
TEST_F(SqlLoadOnPostgresTest, WhatWaitsTooLongIsUnknownAndEndsWithUs) {
  load_.spec().timeout = milliseconds(300);
  load_.start();
  load_.rest(milliseconds(500));
  std::thread blocker(
      [this] { psql("BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT"); });
  load_.rest(seconds(1));
  load_.end();
  const std::size_t unknown = load_.count(SampleOutcome::unknown);
  EXPECT_GT(unknown, 0U);
  EXPECT_EQ(load_.count(SampleOutcome::refused), 0U);
  // The lock is still held, and nobody of ours waits for it any more.
  load_.rest(seconds(1));
  EXPECT_EQ(psql("SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), "
                 "count(*) FILTER (WHERE query LIKE '%pg_sleep(4)%' AND state = 'active') - 1 "
                 "FROM pg_stat_activity"),
            "0|1");
  blocker.join();
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.lost, 0U);
  EXPECT_EQ(summary.recovered + summary.absent_unknown, unknown);
  ASSERT_TRUE(load_.undo());
  load_.rest(seconds(1));
  EXPECT_EQ(rows(), "");
}

TEST_F(SqlLoadOnPostgresTest, WhatTheServerRefusesIsNotDone) {
  psql(
      "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF right(NEW.key, 1) = '1' THEN RAISE 'not this one'; END IF; "
      "IF right(NEW.key, 1) = '2' THEN RETURN NULL; END IF; RETURN NEW; END $$; "
      "CREATE TRIGGER odd BEFORE INSERT ON facts FOR EACH ROW EXECUTE FUNCTION odd()");
  load_.run(seconds(1));
  for (const auto& sample : load_.samples()) {
    const bool no = sample.seq % 10 == 1 || sample.seq % 10 == 2;
    EXPECT_EQ(sample.outcome, no ? SampleOutcome::refused : SampleOutcome::ok) << sample.seq;
  }
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.lost, 0U);
}

TEST_F(SqlLoadOnPostgresTest, AServerThatIsNotThereIsSentNothing) {
  load_.start();
  load_.rest(milliseconds(500));
  cluster_.stop();
  load_.rest(milliseconds(500));
  load_.end();
  EXPECT_GT(load_.count(SampleOutcome::not_sent), 10U);
  EXPECT_EQ(load_.count(SampleOutcome::refused), 0U);
  const LedgerSummary summary = load_.judge({}, seconds(1));
  EXPECT_FALSE(summary.read_back);
  EXPECT_TRUE(load_.problem.contains("cannot connect")) << load_.problem;
}

TEST_F(SqlLoadOnPostgresTest, WhatItMayNotDoIsFoundBeforeAnythingIsTouched) {
  load_.prepare();
  EXPECT_TRUE(load_.may());
  psql("REVOKE DELETE ON facts FROM drill");
  expect_refused(load_.may(), "`remove`");
  psql("GRANT DELETE ON facts TO drill; REVOKE INSERT ON facts FROM drill");
  expect_refused(load_.may(), "`write`");
  psql("GRANT INSERT ON facts TO drill; ALTER TABLE facts RENAME digest TO sum");
  EXPECT_FALSE(load_.may());
  EXPECT_EQ(rows_of("true"), "0");
}

}  // namespace
}  // namespace gameday
