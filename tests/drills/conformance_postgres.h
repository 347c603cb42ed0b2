// A PostgreSQL server for the conformance suite, with a client that comes back when it was cut off;
// and, for what is done to one, a standby.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/drills/conformance_place.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

// Whether a place of that facet needs a server that `make test` does without.
[[nodiscard]] inline bool needs_postgres(std::string_view facet) {
  return facet == "postgres" || facet == "postgres-data";
}

class PostgresPlace : public TargetPlace {
 public:
  PostgresPlace(DeedWorld& world, bool with_standby) : world_(world) {
    setenv("GAMEDAY_PROGRAM", GAMEDAY_BIN_DIR "/../gameday", 1);
    if (with_standby) {
      standby_ = std::make_unique<PostgresCluster>(world.file("standby"), cluster_);
    }
    cluster_.archive_by("true");
    cluster_.start();
    cluster_.make_shop();
    cluster_.change("CREATE ROLE clerk; GRANT INSERT ON sales.orders TO clerk");
    EXPECT_TRUE(come_back());
    if (standby_) {
      standby_->start();
      EXPECT_TRUE(eventually_seen("50"));
    }
    // What a deed is given counts from when there is something to do it to.
    world.set_until({{}, world.clock().in(std::chrono::minutes(2))});
  }
  ~PostgresPlace() override {
    signal_servers(SIGCONT);
    cluster_.stop_any();
  }

  std::string postgres() const override { return cluster_.conninfo(); }
  std::string postgres_data() const override {
    std::string words;
    for (const auto& word : cluster_.start_words()) {
      words += (words.empty() ? "\"" : ", \"") + word + "\"";
    }
    return ", postgres-data: { folder: \"" + cluster_.data() + "\", start: [" + words + "] }";
  }
  std::string standby() const override { return standby_ ? standby_->conninfo() : postgres(); }

  std::string seen() override {
    const std::string all = content();
    return all + " client " + (client_ ? client_->ask("SELECT pg_backend_pid()")->text(0, 0) : "");
  }
  std::string content() override {
    std::string all = come_back() ? "let in;" : "kept out;";
    // By one client: its start costs more than all of it.
    all += cluster_.psql(
        "SELECT oid::regclass, relkind FROM pg_class WHERE relnamespace::regnamespace::text !~ "
        "'^(pg_|information)' ORDER BY oid::regclass::text COLLATE \"C\"; "
        "SELECT rolname, rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid') "
        "FROM pg_roles WHERE rolname = 'shop'; "
        "SELECT datname, datallowconn, datconnlimit FROM pg_database ORDER BY 1; "
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'gameday % holds'; "
        "SELECT current_setting('archive_command'); "
        "SELECT md5(string_agg(o::text, ';' ORDER BY o::text)) FROM sales.lines AS o; "
        "SELECT md5(string_agg(o::text, ';' ORDER BY o::text)) FROM sales.orders AS o; "
        "SELECT has_table_privilege('clerk', 'sales.orders', 'INSERT'), "
        "obj_description('sales.orders'::regclass)");
    if (standby_) all += standby_->psql("SELECT pg_get_wal_replay_pause_state()");
    return all;
  }
  // Who stands still accepts through its backlog, and never answers.
  void fall_silent() override { signal_servers(SIGSTOP); }

 private:
  void signal_servers(int number) {
    (void)world_.doors().processes.signal(cluster_.server(), number);
    if (standby_) (void)world_.doors().processes.signal(standby_->server(), number);
  }
  bool come_back() {
    if (client_ && client_->ask("SELECT 1")) return true;
    client_.reset();
    const auto settings = postgres_settings_of(cluster_.conninfo("shop"));
    auto session =
        Postgres::open(*settings, world_.clock(), {{}, world_.clock().in(std::chrono::hours(1))},
                       {.name = "shop", .observer = {}});
    if (session) client_ = std::move(*session);
    return client_.has_value();
  }
  bool eventually_seen(const std::string& count) {
    const Instant end = world_.clock().in(std::chrono::seconds(10));
    while (standby_->psql("SELECT count(*) FROM sales.orders") != count) {
      if (world_.clock().now().boot > end) return false;
    }
    return true;
  }

  DeedWorld& world_;
  PostgresCluster cluster_{world_.file("pg")};
  std::unique_ptr<PostgresCluster> standby_;
  std::optional<Postgres> client_;
};

}  // namespace gameday
