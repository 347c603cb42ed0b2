// Recoveries of a PostgreSQL cluster by users who may read what they are made from, and write
// nothing but where the copy goes.
#include "tests/drills/pgbackrest_fixture.h"
#include "tests/drills/postgres_archive_fixture.h"
#include "tests/drills/rights/postgres_rights.h"

namespace gameday {
namespace {

const std::string kBackup = "  - { backup: archive }\n";
const std::string kScratch = kBackup + "  - { restore: archive, point: backup }\n";
const std::string kPlace = kBackup + "  - { restore: archive, point: backup, into: place }\n";

// Those on this machine, which no role has.
const std::vector<RowNeeds> kHere = {
    {"postgres-archive",
     {"to read the base backup", "as `server_user`, the WAL",
      "the server's programs of its version", "to write to `scratch`", "room for a copy there",
      "without `base`: REPLICATION", "into place: as lose-data-directory"}},
    {"pgbackrest",
     {"as `server_user` to read the repository and its configuration",
      "the server's programs of its version", "to write to `scratch`", "room for a copy there",
      "into place: as lose-data-directory"}},
};

void give(const std::string& path, uid_t user, gid_t group) {
  EXPECT_EQ(chown(path.c_str(), user, group), 0) << path;
  if (!std::filesystem::is_directory(path)) return;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    EXPECT_EQ(lchown(entry.path().c_str(), user, group), 0) << entry.path();
  }
}
const passwd& server_user() {
  static const passwd found = *getpwnam("postgres");
  return found;
}

void make_roles(const PostgresCluster& cluster, const std::string& role,
                const std::vector<PostgresRightTold>& rights) {
  cluster.change("CREATE ROLE " + role + " LOGIN");
  for (const auto& right : rights) (void)told_by(cluster, with_role(right.grant, role));
}
void hide_rows(const PostgresCluster& cluster) {
  leave_nothing_to_public(cluster);
  leave_no_control_to_public(cluster);
  cluster.change(
      "SET ROLE shop; CREATE TABLE sales.hidden (x int); ALTER TABLE sales.hidden ENABLE ROW LEVEL "
      "SECURITY");
}
// Each of them lacks once, and nothing is written in the database by whoever looks.
template <class Miss>
void expect_each_missed(const PostgresCluster& cluster, const std::string& role,
                        const std::vector<PostgresRightTold>& rights, const Miss& miss) {
  const auto seen = [&] {
    return told_by(cluster,
                   "SELECT concat_ws(' ', pg_snapshot_xmax(pg_current_snapshot()), "
                   "pg_walfile_name(pg_current_wal_lsn()))");
  };
  for (const auto& right : rights) {
    SCOPED_TRACE("without " + right.grant);
    (void)told_by(cluster, with_role(right.revoke, role));
    const std::string before = seen();
    miss(right);
    EXPECT_EQ(seen(), before) << "something was touched";
    (void)told_by(cluster, with_role(right.grant, role));
  }
}

class ArchiveRightsOnPostgres : public PostgresArchiveTest {
 protected:
  ArchiveRightsOnPostgres() {
    copy_ = "install -m 0644";  // else segments are their owner's alone
    cluster_.set("autovacuum=off");
  }
  ~ArchiveRightsOnPostgres() override { cluster_.stop_any(); }
  std::string system_as(const std::string& role, const std::string& more) const {
    std::string start;
    for (const auto& word : cluster_.start_words()) {
      start += (start.empty() ? "\"" : ", \"") + word + "\"";
    }
    return "  database: { postgres: \"" + cluster_.conninfo(role) +
           "\", postgres-data: { folder: " + cluster_.data() + ", start: [" + start +
           "] } }\n  archive: { postgres-archive: { of: database, wal: " + wal_ + ", " + more +
           " } }\n";
  }
  void miss(bool by_server, const std::string& system, const std::string& steps,
            const std::string& words) {
    const auto look = [&] {
      DeedWorld world;
      RightsCase(world, system, steps).expect_missed(words);
    };
    if (by_server) {
      as_server(look);
    } else {
      as_user(kNobody, {}, look);
    }
    EXPECT_TRUE(std::filesystem::is_empty(scratch_)) << "something was touched";
  }
};

TEST_F(ArchiveRightsOnPostgres, AreEnoughAndAreMissedEach) {
  namespace fs = std::filesystem;
  hide_rows(cluster_);
  const auto rights = looking_at_live(kBackup);
  make_roles(cluster_, "reader", rights);
  give(base_, kNobody, kNobody);
  give(scratch_, kNobody, kNobody);
  archive_now();
  const std::string with_base = "base: " + base_ + ", scratch: ";
  const auto system = [&](const std::string& more) { return system_as("reader", more); };
  const std::string whole = system(with_base + scratch_);
  expect_each_missed(cluster_, "reader", rights, [&](const PostgresRightTold& right) {
    miss(false, whole, kBackup, right.missed);
  });

  const std::string file = base_ + "/PG_VERSION", segment = wal_ + "/" + archived().front();
  fs::permissions(file, fs::perms(0));
  miss(false, whole, kBackup, "we may not read " + file);
  fs::permissions(file, fs::perms(0600));
  fs::permissions(segment, fs::perms(0600));
  miss(false, whole, kScratch, "we may not read " + segment);
  fs::permissions(segment, fs::perms(0644));
  miss(false, system("programs: /usr/bin, " + with_base + scratch_), kScratch,
       "there is no server of PostgreSQL 15 in /usr/bin");
  give(scratch_, 0, 0);
  miss(false, whole, kScratch, "we may not make a folder in " + scratch_);
  give(scratch_, kNobody, kNobody);
  const SmallFolder small(world_.file("small"));
  miss(false, system(with_base + world_.file("small")), kScratch, "a copy wants ");
  as_user(kNobody, {}, [&] {
    DeedWorld world;
    RightsCase(world, whole, kScratch).expect_works();
  });
}

// Into place is what `lose-data-directory` does, once more: its rights are missed here, and used by
// that row's test.
TEST_F(ArchiveRightsOnPostgres, AreEnoughWithoutABaseAndAreMissedIntoPlace) {
  namespace fs = std::filesystem;
  hide_rows(cluster_);
  auto rights = looking_at_live(kBackup);
  rights.push_back(attribute("REPLICATION", "no REPLICATION"));
  make_roles(cluster_, "taker", rights);
  give(scratch_, server_user().pw_uid, server_user().pw_gid);
  const std::string system = system_as("taker", "scratch: " + scratch_);
  (void)told_by(cluster_, "ALTER ROLE taker NOREPLICATION");
  miss(true, system, kBackup, "no REPLICATION");
  (void)told_by(cluster_, "ALTER ROLE taker REPLICATION");
  miss(false, system, kPlace, "Permission denied");
  fs::permissions(cluster_.folder(), fs::perms(0555));
  miss(true, system, kPlace, "we may not move anything in " + cluster_.folder());
  fs::permissions(cluster_.folder(), fs::perms(0755));
  (void)told_by(cluster_, "REVOKE EXECUTE ON FUNCTION pg_switch_wal() FROM taker");
  miss(true, system, kPlace, "we may not call pg_switch_wal()");
  (void)told_by(cluster_, "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO taker");
  as_server([&] {
    DeedWorld world;
    RightsCase(world, system_as("taker", "scratch: " + scratch_), kScratch).expect_works();
  });
}

class PgBackRestRightsOnPostgres : public PgBackRestTest {
 protected:
  std::string system_as(const std::string& role, const std::string& scratch,
                        const std::string& more = "") const {
    return "  database: { postgres: \"" + cluster_.conninfo(role) +
           "\", postgres-data: { folder: " + cluster_.data() +
           ", start: [pg_ctl] } }\n  archive: { pgbackrest: { stanza: shop, of: database, verify: "
           "false, config: " +
           config_ + ", scratch: " + scratch + more + " } }\n";
  }
  void miss(const std::string& system, const std::string& steps, const std::string& words) {
    as_server([&] {
      DeedWorld world;
      RightsCase(world, system, steps).expect_missed(words);
    });
    EXPECT_TRUE(std::filesystem::is_empty(scratch_)) << "something was touched";
  }
};

TEST_F(PgBackRestRightsOnPostgres, AreEnoughAndAreMissedEach) {
  namespace fs = std::filesystem;
  hide_rows(cluster_);
  const auto rights = looking_at_live(kBackup);
  make_roles(cluster_, "reader", rights);
  give(scratch_, server_user().pw_uid, server_user().pw_gid);
  const std::string whole = system_as("reader", scratch_);
  expect_each_missed(cluster_, "reader", rights,
                     [&](const PostgresRightTold& right) { miss(whole, kBackup, right.missed); });
  fs::permissions(config_, fs::perms(0600));
  miss(whole, kBackup, "may not be read");
  fs::permissions(config_, fs::perms(0644));
  const std::string sets = repository_ + "/backup/shop/backup.info";
  for (const std::string& name : {sets, sets + ".copy"}) fs::permissions(name, fs::perms(0));
  miss(whole, kScratch, "may not be read");
  for (const std::string& name : {sets, sets + ".copy"}) fs::permissions(name, fs::perms(0640));
  miss(system_as("reader", scratch_, ", programs: /usr/bin"), kScratch,
       "there is no server of PostgreSQL 15 in /usr/bin");
  give(scratch_, 0, 0);
  miss(whole, kScratch, "we may not make a folder in " + scratch_);
  give(scratch_, server_user().pw_uid, server_user().pw_gid);
  fs::permissions(cluster_.folder(), fs::perms(0555));
  miss(whole, kPlace, "we may not move anything in " + cluster_.folder());
  fs::permissions(cluster_.folder(), fs::perms(0755));
  const SmallFolder small(world_.file("small"));
  miss(system_as("reader", world_.file("small")), kScratch, "a copy wants ");
  as_server([&] {
    DeedWorld world;
    RightsCase(world, system_as("reader", scratch_), kScratch).expect_works();
  });
}

TEST(PostgresArchiveRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  const auto of_it = [](const RestoreRow& row) {
    return row.facet == "postgres-archive" || row.facet == "pgbackrest";
  };
  expect_told(rows.restores, kHere, of_it);
  const auto live = looking_at_live("");
  expect_told(rows.restores, needs_of({{"postgres-archive", "", live}, {"pgbackrest", "", live}}),
              of_it);
}

}  // namespace
}  // namespace gameday
