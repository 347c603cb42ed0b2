#include "drills/systems/pgbackrest.h"

#include "tests/drills/recorded/recorded.h"

namespace gameday {
namespace {

PgBackRestInfo recorded_info() {
  for (const auto& one : recorded("pgbackrest-2.45")) {
    if (one.name == "info-done.txt") return stanza_in(one.ended.output).value();
  }
  return {};
}

TEST(PgBackRest, SaysWhichBackupsAndWhichWalThereAre) {
  const PgBackRestInfo info = recorded_info();
  ASSERT_EQ(info.sets.size(), 2U);
  EXPECT_EQ(info.sets[1].version, "15");
  EXPECT_EQ(info.sets[1].cluster, info.cluster);
  EXPECT_TRUE(info.sets[0].rests_on.empty());
  EXPECT_EQ(info.sets[1].rests_on, std::vector{info.sets[0].label});
  EXPECT_EQ(info.sets[0].type, "full");
  EXPECT_EQ(info.sets[1].type, "diff");
  EXPECT_EQ(info.sets[1].archive, "15-1");
  EXPECT_LT(info.sets[0].stop, info.sets[1].stop);
  EXPECT_EQ(info.newest_segment.size(), 24U);
  EXPECT_FALSE(stanza_in("[]"));
  EXPECT_FALSE(stanza_in("no JSON"));
}

// A shell reads it, and before that PostgreSQL, to which % means something.
TEST(PgBackRest, AServerFetchesItsWalByIt) {
  PgBackRest repository{.stanza = "shop", .program = "pgbackrest"};
  EXPECT_EQ(archive_get(repository, "/data"),
            "'pgbackrest' '--stanza=shop' '--pg1-path=/data' '--log-level-file=off' 'archive-get' "
            "%f \"%p\"");
  repository.config = "/my 100% own.conf";
  EXPECT_TRUE(archive_get(repository, "/data").contains(" '--config=/my 100%% own.conf' "));
}

// A stanza goes on when its cluster is upgraded: each backup is of the cluster of its day.
TEST(PgBackRest, ABackupIsOfItsOwnCluster) {
  const auto info = stanza_in(
      R"([{"db":[{"id":1,"system-id":7,"version":"14"},{"id":2,"system-id":8,"version":"15"}],)"
      R"("backup":[{"label":"A","database":{"id":1}},{"label":"B","error":true,"database":{"id":2}}]}])");
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->sets[0].errors);
  EXPECT_TRUE(info->sets[1].errors);
  EXPECT_EQ(info->cluster, "8");
  EXPECT_EQ(info->sets[0].cluster, "7");
  EXPECT_EQ(info->sets[0].archive, "14-1");
  EXPECT_EQ(info->sets[1].archive, "15-2");
}

// Where none had ended by then, pgBackRest may take the latest; gameday takes none.
TEST(PgBackRest, TheSetIsTheNewestBeforeThePoint) {
  const PgBackRestInfo info = recorded_info();
  const auto at = [&](Utc time) {
    return set_before(info, {.kind = RecoveryPoint::Kind::time, .time = time});
  };
  const auto from = [&](Lsn lsn) {
    return set_before(info, {.kind = RecoveryPoint::Kind::lsn, .lsn = lsn});
  };
  EXPECT_EQ(at(info.sets[1].ended)->label, info.sets[1].label);
  EXPECT_EQ(at(info.sets[1].ended - std::chrono::seconds(1))->label, info.sets[0].label);
  EXPECT_EQ(from(info.sets[1].stop)->label, info.sets[1].label);
  EXPECT_EQ(from(info.sets[1].stop - 1)->label, info.sets[0].label);
  const auto early = at(info.sets[0].ended - std::chrono::seconds(1));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::corrupt);
  EXPECT_TRUE(early.error().text.contains(info.sets[0].label)) << early.error().text;
  EXPECT_FALSE(from(info.sets[0].stop - 1));
  EXPECT_FALSE(set_before({}, {.kind = RecoveryPoint::Kind::lsn, .lsn = 1}));
}

TEST(PgBackRest, ASetIsKnownByItsLabel) {
  const PgBackRestInfo info = recorded_info();
  EXPECT_EQ(set_called(info, "")->label, info.sets[1].label);
  EXPECT_EQ(set_called(info, info.sets[0].label)->type, "full");
  const auto another = set_called(info, "20200101-000000F");
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, ErrorCode::not_found);
  const auto none = set_called({}, "");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace gameday
