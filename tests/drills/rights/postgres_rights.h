// A role of a PostgreSQL server that has exactly what a row asks for, and each time one thing less.
#pragma once

#include <pwd.h>
#include <sys/mount.h>

#include "tests/drills/postgres_cluster.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"

namespace gameday {

// One right, as the README names it; {role} stands for whoever gets it or loses it.
struct PostgresRightTold {
  std::string named;
  std::string grant, revoke;  // the latter empty: another one holds it too
  std::string missed;         // what is said without it
  std::string asked = {};     // the steps of which the last is asked then; else the row's own
};
struct PostgresRowRights {
  std::string row;
  std::string steps;
  std::vector<PostgresRightTold> rights;
};

inline PostgresRightTold granted(const std::string& named, const std::string& what,
                                 const std::string& missed, const std::string& asked = "") {
  return {named, "GRANT " + what + " TO {role}", "REVOKE " + what + " FROM {role}", missed, asked};
}
inline PostgresRightTold attribute(const std::string& named, const std::string& missed,
                                   const std::string& asked = "") {
  return {named, "ALTER ROLE {role} " + named, "ALTER ROLE {role} NO" + named, missed, asked};
}
inline PostgresRightTold connecting() {
  return granted("CONNECT", "CONNECT ON DATABASE shop", "permission denied for database \"shop\"");
}
inline PostgresRightTold calling(const std::string& function, const std::string& asked = "") {
  return granted(function, "EXECUTE ON FUNCTION " + function, "we may not call " + function, asked);
}

inline std::vector<RowNeeds> needs_of(const std::vector<PostgresRowRights>& rows) {
  std::vector<RowNeeds> needs;
  for (const auto& row : rows) {
    auto found = std::ranges::find(needs, row.row, &RowNeeds::row);
    if (found == needs.end()) found = needs.insert(found, {row.row, {}});
    for (const auto& right : row.rights) found->rights.push_back(right.named);
  }
  return needs;
}

// The README's table of actions and loads has it as the row does.
inline void expect_in_readme(const std::string& name, std::string_view rights) {
  std::ifstream file(GAMEDAY_SOURCE_DIR "/README.md");
  const std::string readme((std::istreambuf_iterator<char>(file)), {});
  const std::string line = "| postgres | " + name + " | " + std::string(rights) + " |\n";
  EXPECT_TRUE(readme.contains(line)) << line;
}

inline std::string with_role(std::string sql, const std::string& role) {
  constexpr std::string_view kRole = "{role}";
  for (auto at = sql.find(kRole); at != sql.npos; at = sql.find(kRole)) {
    sql.replace(at, kRole.size(), role);
  }
  return sql;
}

// As a superuser, in the database `shop`; nobody stays there afterwards.
inline std::string told_by(const PostgresCluster& cluster, const std::string& sql,
                           const std::string& database = "shop") {
  auto session =
      Postgres::open(*postgres_settings_of(cluster.conninfo("postgres", database)), cluster.clock(),
                     {{}, cluster.clock().in(std::chrono::seconds(30))});
  EXPECT_TRUE(session) << (session ? "" : session.error().text);
  if (!session) return "";
  const auto told = session->change(sql);
  EXPECT_TRUE(told) << sql << ": " << (told ? "" : told.error().text);
  return told ? told->text(0, 0) : "";
}

// As the user of this machine that servers run as.
template <class Work>
void as_server(const Work& work) {
  const passwd* found = getpwnam("postgres");
  ASSERT_NE(found, nullptr);
  as_user(found->pw_uid, {found->pw_gid}, work);
}

// What everybody has and nobody need have is taken from them.
inline void leave_nothing_to_public(const PostgresCluster& cluster) {
  cluster.change(
      "REVOKE ALL ON DATABASE shop, postgres, template1 FROM PUBLIC; REVOKE ALL ON SCHEMA public "
      "FROM PUBLIC");
}
inline void leave_no_control_to_public(const PostgresCluster& cluster) {
  cluster.change(
      "REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() FROM PUBLIC");
}

// In which no copy of a cluster finds room.
class SmallFolder {
 public:
  explicit SmallFolder(const std::string& path) : path_(path) {
    std::filesystem::create_directories(path);
    EXPECT_EQ(mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m,mode=0777"), 0);
  }
  ~SmallFolder() { (void)umount2(path_.c_str(), MNT_DETACH); }
  SmallFolder(const SmallFolder&) = delete;
  SmallFolder& operator=(const SmallFolder&) = delete;

 private:
  std::string path_;
};

// What is asked of the live database that a recovery is held against, of the schema `sales` alone.
inline std::vector<PostgresRightTold> looking_at_live(const std::string& backup) {
  return {granted("CONNECT on it", "CONNECT ON DATABASE shop",
                  "permission denied for database \"shop\"", backup),
          granted("USAGE on every schema", "USAGE ON SCHEMA sales", "no USAGE on the schema sales",
                  backup),
          granted("SELECT on every table", "SELECT ON ALL TABLES IN SCHEMA sales",
                  "no SELECT on sales.", backup),
          attribute("BYPASSRLS", "a policy hides rows of sales.hidden", backup),
          calling("pg_switch_wal()", backup),
          calling("pg_control_system()", backup),
          calling("pg_control_checkpoint()", backup)};
}

}  // namespace gameday
