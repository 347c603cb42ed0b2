// A PostgreSQL server's files, ended, moved and damaged by the user that the server runs as.
#include "tests/drills/rights/postgres_rights.h"

namespace gameday {
namespace {

const std::vector<PostgresRowRights> kRows = {
    {"lose-data-directory",
     "  - { fault: lose-data-directory, target: database, for: 1s }\n",
     {connecting()}},
    {"corrupt-page",
     "  - { fault: corrupt-page, target: database, relation: sales.accounts, for: 1s }\n",
     {connecting(),
      granted("USAGE on the table's schema", "USAGE ON SCHEMA sales",
              "permission denied for schema sales"),
      granted("SELECT on the table", "SELECT ON sales.accounts", "no SELECT on sales.accounts"),
      calling("pg_control_system()")}},
};
// Those on this machine, which no role has.
const std::vector<RowNeeds> kHere = {
    {"lose-data-directory",
     {"to end the server, to start it and to read its files: be its user",
      "to write to the folder that its data directory stands in"}},
    {"corrupt-page", {"to end the server, to start it and to write to its files: be its user"}},
};

class DataRightsOnPostgres : public testing::Test {
 protected:
  ~DataRightsOnPostgres() override { cluster_.stop_any(); }
  void SetUp() override {
    cluster_.start();
    cluster_.make_shop();
    leave_nothing_to_public(cluster_);
    leave_no_control_to_public(cluster_);
    cluster_.change("CREATE TABLE sales.accounts (x int); INSERT INTO sales.accounts VALUES (1)");
  }
  std::string system_as(const std::string& role) const {
    std::string start;
    for (const auto& word : cluster_.start_words()) {
      start += (start.empty() ? "\"" : ", \"") + word + "\"";
    }
    return "  database: { postgres: \"" + cluster_.conninfo(role) +
           "\", postgres-data: { folder: " + cluster_.data() + ", start: [" + start + "] } }\n";
  }
  // Which server it is, and what its files are.
  std::string seen() const {
    return told_by(cluster_, "SELECT pg_postmaster_start_time()") +
           std::to_string(std::filesystem::exists(cluster_.data() + "/PG_VERSION"));
  }
  void expect_missed(bool by_server, const PostgresRowRights& row, const std::string& role,
                     const std::string& words) {
    const std::string before = seen();
    const auto look = [&] {
      DeedWorld world;
      RightsCase(world, system_as(role), row.steps).expect_missed(words);
    };
    if (by_server) {
      as_server(look);
    } else {
      as_user(kNobody, {getpwnam("postgres")->pw_gid}, look);
    }
    EXPECT_EQ(seen(), before) << "something was touched";
  }

  DeedWorld world_;
  // Whoever is in the group of its user may read its files, and is not its user.
  PostgresCluster cluster_{world_.file("pg"),
                           std::vector<std::string>{"--data-checksums", "--allow-group-access"}};
};

TEST_F(DataRightsOnPostgres, AreEnoughAndAreMissedEach) {
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.row);
    const std::string role = row.row == "corrupt-page" ? "damager" : "loser";
    cluster_.change("CREATE ROLE " + role + " LOGIN");
    for (const auto& right : row.rights) (void)told_by(cluster_, with_role(right.grant, role));
    for (const auto& right : row.rights) {
      SCOPED_TRACE("without " + right.grant);
      (void)told_by(cluster_, with_role(right.revoke, role));
      expect_missed(true, row, role, right.missed);
      (void)told_by(cluster_, with_role(right.grant, role));
    }
    expect_missed(false, row, role, "we may neither end the server");
    if (row.row == "lose-data-directory") {
      std::filesystem::permissions(cluster_.folder(), std::filesystem::perms(0555));
      expect_missed(true, row, role, "we may not move anything in");
      std::filesystem::permissions(cluster_.folder(), std::filesystem::perms(0755));
    }
    as_server([&] {
      DeedWorld world;
      RightsCase(world, system_as(role), row.steps).expect_works();
    });
  }
}

TEST(PostgresDataRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  const auto of_it = [](const FaultRow& row) { return row.facet == "postgres-data"; };
  expect_told(rows.faults, needs_of(kRows), of_it);
  expect_told(rows.faults, kHere, of_it);
}

}  // namespace
}  // namespace gameday
