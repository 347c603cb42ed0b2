#include <gtest/gtest.h>

#include <set>

#include "engine/base/by_hand.h"
#include "engine/base/digest.h"
#include "engine/base/random.h"
#include "engine/base/text.h"
#include "engine/base/time.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(ByHand, ACommandCanBePastedAsItIs) {
  EXPECT_EQ(revert_by_hand("/var/lib/g.db", "01J"), "gameday revert --store /var/lib/g.db 01J");
  EXPECT_EQ(revert_by_hand("", "01J"), "gameday revert 01J");
  EXPECT_EQ(revert_by_hand("/a b/it's;$x.db", "01J"),
            "gameday revert --store '/a b/it'\\''s;$x.db' 01J");
}

TEST(Units, DurationsNeedANumberAndAUnit) {
  EXPECT_EQ(parse_duration("15s"), Duration(15s));
  EXPECT_EQ(parse_duration("1.5m"), Duration(90s));
  EXPECT_EQ(parse_duration("250ms"), Duration(250ms));
  EXPECT_EQ(parse_duration("0.25s"), Duration(250ms));
  EXPECT_EQ(parse_duration("0s"), Duration(0));
  for (const char* bad :
       {"", "15", "s", "-1s", "1e3s", " 1s", "1 s", ".5s", "1.2.3s", "4000d", "010s", "00.5s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Units, DurationsMayBeOneOrTwo) {
  const auto two = parse_durations("1.5s..9s");
  ASSERT_TRUE(two);
  EXPECT_EQ(two->least, Duration(1500ms));
  EXPECT_EQ(two->most, Duration(9s));
  const auto one = parse_durations("250ms");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->least, Duration(250ms));
  EXPECT_EQ(one->most, Duration(250ms));
  EXPECT_TRUE(parse_durations("5s..5s"));
  for (const char* bad :
       {"", "5s..", "..5s", "5s...9s", "5s..9s..11s", "5..9s", "5s-9s", "5s .. 9s"}) {
    ASSERT_FALSE(parse_durations(bad)) << bad;
    EXPECT_EQ(parse_durations(bad).error().text, "expected a duration like 5s, or two like 5s..9s");
  }
  ASSERT_FALSE(parse_durations("9s..5s"));
  EXPECT_EQ(parse_durations("9s..5s").error().text, "the second duration is the longer one");
}

TEST(Units, RatesSizesAndPercentages) {
  EXPECT_EQ(parse_rate("200/s"), 200.0);
  EXPECT_EQ(parse_rate("30/m"), 0.5);
  EXPECT_FALSE(parse_rate("0/s"));
  EXPECT_EQ(parse_size("64MiB"), 64 << 20);
  EXPECT_FALSE(parse_size("64mib"));
  EXPECT_FALSE(parse_size("064MiB"));
  EXPECT_NEAR(*parse_percent("99.5%"), 0.995, 1e-12);
  EXPECT_FALSE(parse_percent("101%"));
}

TEST(Units, AnErrorNamesTheUnitsAndAnExample) {
  EXPECT_EQ(parse_rate("200").error().text,
            "expected a number with a unit (/s, /m, /h), like 200/s");
}

TEST(Text, KnowsWhatMayStandInAHeader) {
  EXPECT_TRUE(is_header_name("X-Shop_1!#$%&'*+.^`|~"));
  for (const char* wrong : {"", "a b", "a:", "a\n", "(a)", "\xc3\xa9"}) {
    EXPECT_FALSE(is_header_name(wrong)) << wrong;
  }
  EXPECT_FALSE(has_control("plain \xc3\xa9"));
  for (const char* wrong : {"a\nb", "a\r", "\x1b[2J", "\x7f"}) EXPECT_TRUE(has_control(wrong));
}

TEST(Time, Rfc3339ReadsBackAndKnowsOffsets) {
  const auto time = parse_rfc3339("2026-11-22T19:04:10.000123Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(rfc3339(*time), "2026-11-22T19:04:10.000123Z");
  EXPECT_EQ(parse_rfc3339("2026-11-22T20:04:10.000123+01:00"), *time);
  for (const char* bad :
       {"2026-11-22", "2026-13-22T19:04:10Z", "2026-11-22T19:04:10", "2026-11-22T25:04:10Z",
        "2026-11-22T19:04:10+1:00", "x026-11-22T19:04:10Z", "9999-11-22T19:04:10Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(Time, SecondsReadBackToTheNanosecond) {
  for (std::int64_t ns = 0; ns < 5'000'000; ns += 997) {
    ASSERT_EQ(from_seconds(seconds(Duration(ns))), Duration(ns));
    ASSERT_EQ(from_seconds(seconds(Duration(-ns))), Duration(-ns));
  }
}

TEST(Digest, IsSha256InOnePieceOrMany) {
  const std::string expected =
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(sha256("abc"), expected);
  EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  Sha256 sum;
  sum.add("a");
  EXPECT_NE(sum.digest(), expected);
  sum.add("bc");
  EXPECT_EQ(sum.digest(), expected);
}

TEST(Digest, UlidsSortByTimeAndDifferBySeed) {
  Random random(1);
  const Utc early{1700000000s};
  const auto first = ulid(early, random);
  const auto second = ulid(early + 1ms, random);
  EXPECT_EQ(first.size(), 26U);
  EXPECT_LT(first, second);
  Random same(1);
  EXPECT_EQ(ulid(early, same), first);
}

TEST(Random, IsTheSameFromTheSameSeedAndStaysInBounds) {
  Random a(7), b(7), c(8);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(a.below(5));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4}));
  double sum = 0;
  for (int i = 0; i < 20000; ++i) sum += a.exponential(2.0);
  EXPECT_NEAR(sum / 20000, 2.0, 0.1);
}

TEST(Text, NearestFindsTheMisspeltWord) {
  const std::vector<std::string> known{"timeline", "targets", "kill"};
  EXPECT_EQ(nearest("timelnie", known), "timeline");
  EXPECT_EQ(nearest("kil", known), "kill");
  EXPECT_EQ(nearest("banana", known), std::nullopt);
}

TEST(Text, FilledReplacesOnlyKnownNames) {
  const NamedText values[] = {{"key", "K"}, {"drill", "D"}};
  EXPECT_EQ(filled("{front}/o/{key}?d={drill}{{x}", values), "{front}/o/K?d=D{x}");
}

TEST(Text, Utf8FollowsTheStandard) {
  EXPECT_TRUE(is_utf8("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace gameday
