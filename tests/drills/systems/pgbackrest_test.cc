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
  EXPECT_EQ(info.version, "15");
  EXPECT_EQ(info.sets[0].type, "full");
  EXPECT_EQ(info.sets[1].type, "diff");
  EXPECT_EQ(info.sets[1].archive, "15-1");
  EXPECT_LT(info.sets[0].stop, info.sets[1].stop);
  EXPECT_EQ(info.newest_segment.size(), 24U);
  EXPECT_FALSE(stanza_in("[]"));
  EXPECT_FALSE(stanza_in("no JSON"));
}

// Where none had ended by then, pgBackRest may take the latest; gameday takes none.
TEST(PgBackRest, TheSetIsTheNewestBeforeThePoint) {
  const PgBackRestInfo info = recorded_info();
  const auto at = [&](Utc time) {
    return set_for(info, {.kind = RecoveryPoint::Kind::time, .time = time});
  };
  const auto from = [&](Lsn lsn) {
    return set_for(info, {.kind = RecoveryPoint::Kind::lsn, .lsn = lsn});
  };
  EXPECT_EQ(set_for(info, {})->label, info.sets[1].label);
  EXPECT_EQ(at(info.sets[1].ended)->label, info.sets[1].label);
  EXPECT_EQ(at(info.sets[1].ended - std::chrono::seconds(1))->label, info.sets[0].label);
  EXPECT_EQ(from(info.sets[1].stop - 1)->label, info.sets[0].label);
  const auto early = at(info.sets[0].ended - std::chrono::seconds(1));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::corrupt);
  EXPECT_TRUE(early.error().text.contains(info.sets[0].label)) << early.error().text;
  EXPECT_FALSE(from(info.sets[0].stop - 1));
  EXPECT_FALSE(set_for({}, {}));
}

TEST(PgBackRest, TheFirstSegmentThatIsNotThereIsNamed) {
  constexpr std::uint64_t kUsual = 16 << 20;
  const std::string from = "0000000100000000000000FE", to = "000000010000000100000001";
  std::vector<std::string> there{from, "0000000100000000000000FF", "000000010000000100000000", to};
  EXPECT_EQ(missing_segment(there, from, to, kUsual), "");
  there.erase(there.begin() + 2);
  EXPECT_EQ(missing_segment(there, from, to, kUsual), "000000010000000100000000");
  there.erase(there.begin());
  EXPECT_EQ(missing_segment(there, from, to, kUsual), from);
  // Of 64 MiB there are 64 in each.
  const std::string last = "00000001000000000000003F";
  EXPECT_EQ(missing_segment({last, "000000010000000100000000"}, last, "000000010000000100000000",
                            4 * kUsual),
            "");
}

}  // namespace
}  // namespace gameday
