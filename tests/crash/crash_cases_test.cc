// Whether the crash campaign tries every deed that the rows say there is, or says why not. The
// cases are the campaign's own, and so in its language.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace gameday {
namespace {

void expect_nothing_wrong(const std::string& test) {
  const std::string command = "python3 " GAMEDAY_SOURCE_DIR
                              "/tests/crash/crash_cases_test.py " GAMEDAY_BIN_DIR
                              "/gameday_crash " +
                              test + " 2>&1";
  std::FILE* const pipe = popen(command.c_str(), "re");
  ASSERT_NE(pipe, nullptr);
  std::string told;
  std::array<char, 4096> bytes{};
  while (std::fgets(bytes.data(), bytes.size(), pipe) != nullptr) told += bytes.data();
  EXPECT_EQ(pclose(pipe), 0) << told;
}

TEST(CrashCases, EachDeedOfTheRowsIsTriedOrSaysWhyNot) { expect_nothing_wrong("whole"); }
TEST(CrashCases, EachThatIsTakenAwayIsMissed) { expect_nothing_wrong("each_taken_away"); }
TEST(CrashCases, AReasonIsForWhatIsThereAndNotTried) { expect_nothing_wrong("reasons"); }
TEST(CrashCases, EachHasANameOfItsOwn) { expect_nothing_wrong("names"); }
TEST(CrashCases, WhatThereIsNoWayToTryIsMissed) { expect_nothing_wrong("kinds"); }
TEST(CrashCases, EachNamesWhatItHits) { expect_nothing_wrong("steps"); }
TEST(CrashCases, ASampleOfEachPlaceIsATest) { expect_nothing_wrong("samples"); }

}  // namespace
}  // namespace gameday
