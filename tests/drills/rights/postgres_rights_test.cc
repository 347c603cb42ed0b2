// Each row of a PostgreSQL database, done by a role that has the rights of the README and no other,
// of a user of this machine who has none.
#include "tests/drills/rights/postgres_rights.h"

#include "tests/drills/row_load.h"

namespace gameday {

extern const LoadRow sql_load;

namespace {

const std::string kBackup = "  - { backup: database }\n";
const std::string kScratch = kBackup + "  - { restore: database }\n";
const std::string kPlace = kBackup + "  - { restore: database, into: place }\n";

// Before there is anything in the database that only its superuser puts back where it was.
const std::vector<PostgresRowRights> kRestores = {
    {"postgres",
     kScratch,
     {connecting(),
      granted("USAGE on every schema", "USAGE ON SCHEMA sales", "no USAGE on the schema sales",
              kBackup),
      granted("USAGE on every schema", "USAGE ON SCHEMA others", "no USAGE on the schema others",
              kBackup),
      granted("SELECT on every table", "SELECT ON ALL TABLES IN SCHEMA sales, others",
              "no SELECT on others.notes", kBackup),
      granted("and sequence", "SELECT ON SEQUENCE sales.orders_id_seq",
              "no SELECT on sales.orders_id_seq", kBackup),
      granted("on every large object", "SELECT ON LARGE OBJECT 4711",
              "no SELECT on the large object 4711", kBackup),
      attribute("BYPASSRLS", "a policy hides rows of sales.hidden", kBackup),
      attribute("CREATEDB", "no CREATEDB"),
      granted("CONNECT on the database postgres", "CONNECT ON DATABASE postgres",
              "permission denied for database \"postgres\"")}},
    {"postgres",
     kPlace,
     {{"CONNECT", "GRANT CONNECT ON DATABASE shop TO {role}", "", ""},
      attribute("CREATEDB", "no CREATEDB"),
      granted("CONNECT on the database postgres", "CONNECT ON DATABASE postgres",
              "permission denied for database \"postgres\""),
      granted("the database's owner", "shop", "no member of the owner of the database"),
      granted("every owner in it", "other", "no member of other"),
      granted("pg_signal_backend", "pg_signal_backend", "no member of pg_signal_backend"),
      attribute("CREATEROLE", "we may not set for clerk"),
      {"a superuser where", "REVOKE EXECUTE ON FUNCTION pg_reload_conf() FROM clerk",
       "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO clerk", "granted on pg_reload_conf()"}}},
};

const std::vector<PostgresRowRights> kFaults = {
    {"break-archiving",
     "  - { fault: break-archiving, target: database, for: 1s }\n",
     {connecting(),
      granted("ALTER SYSTEM on archive_command", "ALTER SYSTEM ON PARAMETER archive_command",
              "we may not change archive_command"),
      granted("pg_read_all_settings", "pg_read_all_settings", "no member of pg_read_all_settings"),
      granted("SELECT on pg_file_settings", "SELECT ON pg_file_settings",
              "no SELECT on pg_file_settings"),
      calling("pg_show_all_file_settings()"), calling("pg_reload_conf()"),
      calling("pg_switch_wal()")}},
    {"exhaust-connections",
     "  - { fault: exhaust-connections, target: database, connections: 5, for: 1s }\n",
     {connecting(),
      {"CONNECTION LIMIT, of the role", "ALTER ROLE {role} CONNECTION LIMIT 6",
       "ALTER ROLE {role} CONNECTION LIMIT 5", "role may not have so many connections"},
      {"and of the database", "ALTER DATABASE shop CONNECTION LIMIT 16",
       "ALTER DATABASE shop CONNECTION LIMIT 5", "the database may not have so many"}}},
    {"kill-backends",
     "  - { fault: kill-backends, target: database, user: clerk, for: 1s }\n",
     {connecting(),
      granted("pg_signal_backend", "pg_signal_backend", "no member of pg_signal_backend"),
      granted("pg_read_all_stats", "pg_read_all_stats", "no member of pg_read_all_stats")}},
    {"kill-backends",
     "  - { fault: kill-backends, target: database, user: clerk, for: 1s }\n",
     {{"CONNECT", "GRANT CONNECT ON DATABASE shop TO {role}", "", ""},
      granted("to be a member of that role", "clerk", "we may not end sessions of user clerk")}},
    {"lose-data-postgres",
     "  - { fault: lose-data, target: database, table: sales.accounts, for: 1s }\n",
     {connecting(),
      granted("CREATE on the database", "CREATE ON DATABASE shop", "we may not make a schema"),
      granted("USAGE on the table's schema", "USAGE ON SCHEMA sales",
              "permission denied for schema sales"),
      granted("a member of its owner", "keeper", "no member of the owner of"),
      granted("CREATE on its schema", "CREATE ON SCHEMA sales", "back into its schema")}},
    {"lose-data-postgres",
     "  - { fault: lose-data, target: database, table: sales.orders, lose: rows, where: id > 30, "
     "for: 1s }\n",
     {connecting(),
      granted("CREATE on the database", "CREATE ON DATABASE shop", "we may not make a schema"),
      granted("USAGE on the table's schema", "USAGE ON SCHEMA sales",
              "permission denied for schema sales"),
      granted("SELECT", "SELECT ON sales.orders", "no SELECT on"),
      granted("INSERT", "INSERT ON sales.orders", "no INSERT on"),
      granted("DELETE", "DELETE ON sales.orders", "no DELETE on")}},
    {"pause-replication",
     "  - { fault: pause-replication, target: standby, for: 1s }\n",
     {connecting(), calling("pg_wal_replay_pause()"), calling("pg_wal_replay_resume()")}},
    {"revoke-login",
     "  - { fault: revoke-login, target: database, role: clerk, end_sessions: true, for: 1s }\n",
     {connecting(), attribute("CREATEROLE", "we may not alter the role clerk"),
      granted("pg_signal_backend", "pg_signal_backend", "we may not end the sessions of clerk")}},
    {"revoke-login",
     "  - { fault: revoke-login, target: database, role: clerk, end_sessions: true, for: 1s }\n",
     {{"CONNECT", "GRANT CONNECT ON DATABASE shop TO {role}", "", ""},
      attribute("CREATEROLE", "we may not alter the role clerk"),
      granted("to be a member of the role", "clerk", "we may not end the sessions of clerk")}},
    {"revoke-privilege",
     "  - { fault: revoke-privilege, target: database, role: clerk, privilege: INSERT, table: "
     "sales.accounts, for: 1s }\n",
     {connecting(),
      granted("USAGE on the table's schema", "USAGE ON SCHEMA sales",
              "permission denied for schema sales"),
      granted("to be a member of its owner", "keeper", "no member of the owner of")}},
};

const std::vector<PostgresRowRights> kActions = {
    {"promote",
     "  - { action: promote, target: standby, beside_a_writer: true }\n",
     {connecting(), calling("pg_promote(boolean, integer)")}}};

const std::vector<PostgresRowRights> kLoads = {
    {"sql",
     "",
     {connecting(),
      granted("USAGE on the table's schema", "USAGE ON SCHEMA sales",
              "permission denied for schema sales"),
      granted("INSERT", "INSERT ON sales.facts", "`write`: "),
      granted("SELECT", "SELECT ON sales.facts", "`list`: "),
      granted("DELETE", "DELETE ON sales.facts", "`remove`: "),
      granted("USAGE on the sequences", "USAGE ON SEQUENCE sales.facts_id_seq",
              "no USAGE on the sequence sales.facts_id_seq")}}};

class RightsOnPostgres : public testing::Test {
 protected:
  RightsOnPostgres() { setenv("GAMEDAY_PROGRAM", GAMEDAY_BIN_DIR "/../gameday", 1); }
  void SetUp() override {
    const std::string archive = world_.file("archive");
    std::filesystem::create_directory(archive);
    primary_.give_to_server(archive);
    primary_.archive_by("cp %p " + archive + "/%f");
    primary_.set("autovacuum=off");
    primary_.start();
    primary_.make_shop();
    leave_nothing_to_public(primary_);
    primary_.change(
        "CREATE ROLE clerk LOGIN; CREATE ROLE other; CREATE ROLE keeper; GRANT CONNECT ON DATABASE "
        "shop TO clerk; GRANT CREATE ON DATABASE shop TO other; ALTER ROLE clerk IN DATABASE shop "
        "SET work_mem = '5MB'; SET ROLE other; CREATE SCHEMA others; CREATE TABLE others.notes (x "
        "int); SET ROLE shop; SELECT lo_from_bytea(4711, 'a picture'); CREATE TABLE sales.hidden "
        "(x int); ALTER TABLE sales.hidden ENABLE ROW LEVEL SECURITY");
    standby_.start();
    catch_up();
  }

  // Those of others, whom a row cuts off.
  Postgres client(const std::string& role) {
    auto session = Postgres::open(*postgres_settings_of(primary_.conninfo(role)), world_.clock(),
                                  {{}, world_.clock().in(std::chrono::minutes(1))});
    EXPECT_TRUE(session) << (session ? "" : session.error().text);
    return std::move(session).value();
  }
  void catch_up() {
    const std::string end = told_by(primary_, "SELECT pg_current_wal_insert_lsn()");
    const Instant enough = world_.clock().in(std::chrono::seconds(10));
    // Where `shop` may not have come yet.
    while (told_by(standby_, "SELECT pg_last_wal_replay_lsn() >= '" + end + "'", "postgres") !=
               "t" &&
           world_.clock().now().boot < enough) {
      (void)world_.clock().sleep({{}, world_.clock().in(std::chrono::milliseconds(10))});
    }
  }
  // All that a row could touch: whoever writes needs a number of a transaction for it.
  std::string seen() {
    return told_by(primary_,
                   "SELECT concat_ws(' ', pg_snapshot_xmax(pg_current_snapshot()), "
                   "pg_walfile_name(pg_current_wal_lsn()), current_setting('archive_command'), "
                   "(SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE "
                   "usename IN ('shop', 'clerk')))") +
           told_by(standby_, "SELECT pg_is_in_recovery() || pg_get_wal_replay_pause_state()");
  }
  std::string system_as(const std::string& role) const {
    std::string lines;
    for (const auto& [name, cluster] :
         {std::pair{"database", &primary_}, std::pair{"standby", &standby_}}) {
      lines += "  " + std::string(name) + ": { postgres: \"" + cluster->conninfo(role) + "\" }\n";
    }
    return lines;
  }
  std::string granted_role(const PostgresRowRights& row) {
    const std::string role = "drill_" + std::to_string(++roles_);
    (void)told_by(primary_, "CREATE ROLE " + role + " LOGIN");
    for (const auto& right : row.rights) (void)told_by(primary_, with_role(right.grant, role));
    return role;
  }
  // `asked` and `done` are in a child of ours, as nobody.
  template <class Asked, class Done>
  void with_each(const std::vector<PostgresRowRights>& rows, const Asked& asked, const Done& done) {
    for (const auto& row : rows) {
      SCOPED_TRACE(row.row + " " + row.steps);
      const std::string role = granted_role(row);
      std::vector<Postgres> others;
      for (const char* other : {"shop", "clerk"}) others.push_back(client(other));
      for (const auto& right : row.rights) {
        if (right.revoke.empty()) continue;
        SCOPED_TRACE("without " + right.grant);
        (void)told_by(primary_, with_role(right.revoke, role));
        if (row.steps.contains("standby")) catch_up();
        const std::string before = seen();
        as_user(kNobody, {}, [&] { asked(row, right, role); });
        EXPECT_EQ(seen(), before) << "something was touched";
        (void)told_by(primary_, with_role(right.grant, role));
      }
      catch_up();
      as_user(kNobody, {}, [&] { done(row, role); });
    }
  }
  void with_each(const std::vector<PostgresRowRights>& rows) {
    with_each(
        rows,
        [&](const PostgresRowRights& row, const PostgresRightTold& right, const std::string& role) {
          DeedWorld world;
          RightsCase one(world, system_as(role), right.asked.empty() ? row.steps : right.asked);
          one.expect_missed(right.missed);
        },
        [&](const PostgresRowRights& row, const std::string& role) {
          DeedWorld world;
          RightsCase(world, system_as(role), row.steps).expect_works();
        });
  }
  RowLoad& load_as(const std::string& role, DeedWorld& world) {
    world.add_target("database", "postgres",
                     Json::object({{"connection", primary_.conninfo(role)}}));
    return load_.emplace(
        world, sql_load,
        Json::object({{"connection", "database"},
                      {"write",
                       "INSERT INTO sales.facts (key, digest, drill) VALUES ({key}, "
                       "{digest}, {drill})"},
                      {"list", "SELECT key, digest FROM sales.facts WHERE drill = {drill}"},
                      {"read", "SELECT digest FROM sales.facts WHERE key = {key}"},
                      {"remove", "DELETE FROM sales.facts WHERE drill = {drill}"}}));
  }

  DeedWorld world_;
  PostgresCluster primary_{world_.file("primary")};
  PostgresCluster standby_{world_.file("standby"), primary_};
  std::optional<RowLoad> load_;
  int roles_ = 0;
};

TEST_F(RightsOnPostgres, AreEnoughAndAreMissedEach) {
  with_each(kRestores);
  leave_no_control_to_public(primary_);
  primary_.change(
      "CREATE TABLE sales.accounts (x int); INSERT INTO sales.accounts VALUES (1); ALTER TABLE "
      "sales.accounts OWNER TO keeper; GRANT INSERT ON sales.accounts TO clerk; CREATE TABLE "
      "sales.facts (id bigserial, key text PRIMARY KEY, digest text, drill text)");
  with_each(kFaults);
  with_each(
      kLoads,
      [&](const PostgresRowRights&, const PostgresRightTold& right, const std::string& role) {
        DeedWorld world;
        const Status may = may_load(load_as(role, world).spec(), all_rows(), world.context());
        ASSERT_FALSE(may) << "nobody has missed: " << right.missed;
        EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
        EXPECT_TRUE(may.error().text.contains(right.missed)) << may.error().text;
      },
      [&](const PostgresRowRights&, const std::string& role) {
        DeedWorld world;
        load_as(role, world).expect_works();
      });
  with_each(kActions);
}

TEST(PostgresRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  const auto of_it = [](const auto& row) { return row.facet == "postgres"; };
  expect_told(rows.faults, needs_of(kFaults), of_it);
  expect_told(rows.restores, needs_of(kRestores), of_it);
  expect_told(rows.actions, needs_of(kActions),
              [](const ActionRow& row) { return row.name == "promote"; });
  expect_told(rows.loads, needs_of(kLoads), [](const LoadRow& row) { return row.name == "sql"; });
  expect_in_readme("`promote`", rows.action("promote")->rights);
  expect_in_readme("load `sql`", rows.load("sql")->rights);
}

}  // namespace
}  // namespace gameday
