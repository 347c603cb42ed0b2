#include "drills/systems/wal_archive.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

constexpr std::uint64_t kUsual = 16 << 20;  // of a segment

TEST(WalArchive, TheFirstSegmentThatIsNotThereIsNamed) {
  const std::string from = "0000000100000000000000FE", to = "000000010000000100000001";
  std::vector<std::string> names{from, "0000000100000000000000FF", "000000010000000100000000", to,
                                 "00000002.history"};
  const WalThere whole = wal_by_names(names, from, kUsual);
  EXPECT_EQ(whole.missing, "");
  EXPECT_EQ(whole.last, to);
  EXPECT_EQ(whole.last_begins, parse_lsn("1/1000000").value());
  EXPECT_EQ(whole.segments, 4);
  names.erase(names.begin() + 2);
  const WalThere gap = wal_by_names(names, from, kUsual);
  EXPECT_EQ(gap.missing, "000000010000000100000000");
  EXPECT_EQ(gap.missing_begins, parse_lsn("1/0").value());
  EXPECT_EQ(gap.last, to);
  names.erase(names.begin());
  EXPECT_EQ(wal_by_names(names, from, kUsual).missing, from);
  EXPECT_EQ(wal_by_names({}, from, kUsual).missing, from);
  EXPECT_EQ(wal_by_names({}, from, kUsual).last, "");
}

// Of 64 MiB there are 64 in each.
TEST(WalArchive, TheSizeOfASegmentSaysWhichIsTheNext) {
  const std::string last = "00000001000000000000003F";
  const std::vector<std::string> names{last, "000000010000000100000000"};
  EXPECT_EQ(wal_by_names(names, last, 4 * kUsual).missing, "");
  EXPECT_EQ(wal_by_names(names, last, kUsual).missing, "000000010000000000000040");
}

// After a failover the archive goes on in another timeline; what an older one has is nothing to it.
TEST(WalArchive, AnotherTimelineGoesOn) {
  const std::string from = "000000020000000000000003";
  const WalThere on =
      wal_by_names({from, "000000030000000000000004", "000000030000000000000005"}, from, kUsual);
  EXPECT_EQ(on.missing, "");
  EXPECT_EQ(on.timeline, 3U);
  EXPECT_EQ(on.last, "000000030000000000000005");
  const WalThere older = wal_by_names({from, "000000010000000000000004"}, from, kUsual);
  EXPECT_EQ(older.last, from);
}

}  // namespace
}  // namespace gameday
