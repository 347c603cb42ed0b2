// A PostgreSQL server that becomes the standby of another one, by the user that both run as, whose
// roles may no more than that takes.
#include "tests/drills/postgres_rejoin.h"
#include "tests/drills/rights/postgres_rights.h"

namespace gameday {
namespace {

// Of gameday's role; `rewinder` is the one in `source`, `follower` the one in `follow`.
std::vector<PostgresRightTold> standby_rights() {
  std::vector<PostgresRightTold> rights = {
      connecting(), granted("pg_checkpoint", "pg_checkpoint", "no member of pg_checkpoint"),
      attribute("REPLICATION", "no REPLICATION"),
      granted("pg_read_all_stats", "pg_read_all_stats", "no member of pg_read_all_stats")};
  for (const char* function :
       {"pg_ls_dir(text, boolean, boolean)", "pg_stat_file(text, boolean)",
        "pg_read_binary_file(text)", "pg_read_binary_file(text, bigint, bigint, boolean)"}) {
    const std::string what = "EXECUTE ON FUNCTION " + std::string(function);
    rights.push_back({function, "GRANT " + what + " TO rewinder",
                      "REVOKE " + what + " FROM rewinder",
                      "who `source` names may not call " + std::string(function)});
  }
  rights.push_back({"of the role in `follow`: REPLICATION", "ALTER ROLE follower REPLICATION",
                    "ALTER ROLE follower NOREPLICATION",
                    "the role follower, as which it is to follow, has no REPLICATION"});
  return rights;
}
std::vector<PostgresRightTold> fail_back_rights() {
  auto rights = standby_rights();
  rights.push_back(calling("pg_promote(boolean, integer)"));
  return rights;
}
const std::string kHere =
    "to write to the folder that its data directory stands in: be that user, root, or one who may "
    "speak to its Docker engine";

class StandbyRightsOnPostgres : public PostgresRejoinTest {
 protected:
  std::string system() const {
    std::string lines;
    for (const auto& [name, cluster] :
         {std::pair{"primary", &primary_}, std::pair{"standby", &standby_}}) {
      lines +=
          "  " + std::string(name) + ": { postgres: \"" + cluster->conninfo("drill") + "\" }\n";
    }
    return lines;
  }
  static std::string step(const std::string& action, const PostgresCluster& cluster,
                          const PostgresCluster& of, const std::string& more = ", slot: west") {
    return "  - { action: " + action + ", source: \"" + of.conninfo("rewinder") + "\", follow: \"" +
           of.conninfo("follower") + "\", data: " + cluster.data() + more + " }\n";
  }
  void caught_up(const PostgresCluster& behind, const PostgresCluster& of) {
    const std::string end = told_by(of, "SELECT pg_current_wal_insert_lsn()");
    EXPECT_TRUE(eventually([&] {
      return told_by(behind, "SELECT pg_last_wal_replay_lsn() >= '" + end + "'") == "t";
    }));
  }
  std::string seen() const {
    return told_by(primary_, "SELECT pg_is_in_recovery()::text || pg_postmaster_start_time()") +
           told_by(standby_, "SELECT pg_is_in_recovery()::text || pg_postmaster_start_time()") +
           std::to_string(std::filesystem::exists(primary_.data() + ".gameday"));
  }
  void miss(bool by_server, const std::string& steps, const std::string& words) {
    const std::string before = seen();
    const auto look = [&] {
      DeedWorld world;
      RightsCase(world, system(), steps).expect_missed(words);
    };
    if (by_server) {
      as_server(look);
    } else {
      as_user(kNobody, {}, look);
    }
    EXPECT_EQ(seen(), before) << "something was touched";
  }
  // `writer` takes what is granted, and `reader` has it a moment later.
  void expect_each_missed(const std::vector<PostgresRightTold>& rights, const std::string& steps,
                          const PostgresCluster& writer, const PostgresCluster& reader) {
    for (const auto& right : rights) {
      SCOPED_TRACE("without " + right.grant);
      (void)told_by(writer, with_role(right.revoke, "drill"));
      caught_up(reader, writer);
      miss(true, steps, right.missed);
      (void)told_by(writer, with_role(right.grant, "drill"));
    }
    caught_up(reader, writer);
  }
  void expect_done(const std::string& steps) {
    as_server([&] {
      DeedWorld world;
      RightsCase(world, system(), steps).expect_done();
    });
  }
};

TEST_F(StandbyRightsOnPostgres, AreEnoughAndAreMissedEach) {
  leave_nothing_to_public(primary_);
  leave_no_control_to_public(primary_);
  primary_.change(
      "CREATE ROLE drill LOGIN; CREATE ROLE rewinder LOGIN; CREATE ROLE follower LOGIN; GRANT "
      "CONNECT ON DATABASE shop TO rewinder");
  for (const auto& right : fail_back_rights()) {
    (void)told_by(primary_, with_role(right.grant, "drill"));
  }
  caught_up(standby_, primary_);
  const std::string rejoin = step("rejoin, target: primary, to: standby", primary_, standby_);
  expect_each_missed(standby_rights(), rejoin, primary_, standby_);
  miss(false, rejoin, "we may not write to " + primary_.data());
  std::filesystem::permissions(primary_.folder(), std::filesystem::perms(0555));
  miss(true, rejoin, "we may not write to " + primary_.data());
  std::filesystem::permissions(primary_.folder(), std::filesystem::perms(0755));
  primary_.stop();
  promote(standby_);
  expect_done(rejoin);

  const std::string exchange = "fail-back, target: primary, from: standby";
  const std::string back = step(exchange, standby_, primary_);
  caught_up(primary_, standby_);
  expect_each_missed(
      {calling("pg_promote(boolean, integer)"), attribute("REPLICATION", "no REPLICATION")}, back,
      standby_, primary_);
  // It follows through a slot, which goes with it.
  expect_each_missed({attribute("REPLICATION", "no REPLICATION")},
                     step(exchange, standby_, primary_, ""), standby_, primary_);
  expect_done(back);
}

TEST(PostgresStandbyRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  const auto of_it = [](const ActionRow& row) {
    return row.name == "rejoin" || row.name == "fail-back";
  };
  expect_told(rows.actions,
              needs_of({{"rejoin", "", standby_rights()}, {"fail-back", "", fail_back_rights()}}),
              of_it);
  expect_told(rows.actions, {{"rejoin", {kHere}}, {"fail-back", {kHere}}}, of_it);
  for (const char* name : {"rejoin", "fail-back"}) {
    expect_in_readme("`" + std::string(name) + "`", rows.action(name)->rights);
  }
}

}  // namespace
}  // namespace gameday
