#include "drills/systems/truth.h"

#include "drills/systems/pgbackrest.h"
#include "drills/systems/restic_truth.h"
#include "tests/drills/recorded/recorded.h"

namespace gameday {
namespace {

Ended ended(int code, const std::string& output, Ended::How how = Ended::How::exited) {
  return {how, code, output};
}

TEST(Truth, WhatNoRowKnowsIsUnknown) {
  for (const auto* table : kResticTables) {
    const Reading strange = read_ending(*table, "check", ended(9, "all is well"));
    EXPECT_EQ(strange.truth, Truth::unknown);
    EXPECT_TRUE(strange.state.empty());
    EXPECT_TRUE(strange.text.contains("restic check (exit code 9)")) << strange.text;
    EXPECT_TRUE(strange.text.contains("all is well")) << strange.text;
    // One who was killed has no exit code, whatever the signal's number is.
    const Reading killed = read_ending(*table, "check", ended(2, "", Ended::How::signalled));
    EXPECT_EQ(killed.truth, Truth::unknown);
    EXPECT_TRUE(killed.state.empty());
    EXPECT_TRUE(killed.text.contains("(signal 2)")) << killed.text;
    // A word of one command is none of another's.
    EXPECT_EQ(read_ending(*table, "stats", ended(3, "")).truth, Truth::unknown);
    EXPECT_EQ(read_ending(*table, "stats", ended(1, "what a day")).truth, Truth::unknown);
  }
}

TEST(Truth, VersionsAreComparedByTheirNumbers) {
  EXPECT_TRUE(at_least("0.14.0", "0.14"));
  EXPECT_TRUE(at_least("0.18.1", "0.9"));
  EXPECT_TRUE(at_least("1.0", "0.18.1"));
  EXPECT_FALSE(at_least("0.14", "0.14.1"));
  EXPECT_FALSE(at_least("0.13.9-dev", "0.14"));
}

TEST(Truth, AVersionHasTheTableThatItBeganWith) {
  const auto from = [](std::string_view version) {
    return std::string(table_for(kResticTables, version).value()->from);
  };
  EXPECT_EQ(from("0.14.0"), "0.14");
  EXPECT_EQ(from("0.16.5"), "0.14");
  EXPECT_EQ(from("0.17.0"), "0.17");
  EXPECT_EQ(from("0.18.1"), "0.17");
  const auto older = table_for(kResticTables, "0.13.1");
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::unsupported);
  EXPECT_TRUE(older.error().text.contains("restic 0.13.1")) << older.error().text;
}

TEST(Truth, OfResticIsThatOfItsRecordedWords) {
  expect_read_as_recorded(restic_0_14, "restic-0.14");
  expect_read_as_recorded(restic_0_17, "restic-0.18");
}

// Exit code 0 is what `info` and `verify` end with, whatever they have found.
TEST(Truth, OfPgBackRestIsThatOfItsRecordedWords) {
  expect_read_as_recorded(pgbackrest_2_45, "pgbackrest-2.45");
  int claimed = 0;
  for (const auto& one : recorded("pgbackrest-2.45")) {
    const bool said_so = one.ended.code == 0 && one.state != "done";
    claimed += said_so ? 1 : 0;
    if (!said_so) continue;
    EXPECT_NE(read_ending(pgbackrest_2_45, one.command, one.ended).truth, Truth::pass) << one.name;
  }
  EXPECT_GE(claimed, 6);
}

// A child's output is kept up to a length only: what it ends with may be lost.
TEST(Truth, OfResticHoldsWithoutItsLastWords) {
  for (const auto& [table, folder] :
       {std::pair(&restic_0_14, "restic-0.14"), std::pair(&restic_0_17, "restic-0.18")}) {
    int cut = 0;
    for (auto one : recorded(folder)) {
      if (one.command != "check" || one.state != "damaged" || one.name.contains("index")) continue;
      one.ended.output = one.ended.output.substr(0, one.ended.output.find("Fatal: "));
      const Reading reading = read_ending(*table, one.command, one.ended);
      EXPECT_EQ(reading.state, "damaged") << one.name << reading.text;
      EXPECT_EQ(reading.truth, Truth::fail);
      ++cut;
    }
    EXPECT_EQ(cut, 4) << folder;
  }
}

TEST(Truth, WhatTellsNothingOfTheBackupIsNoFailureOfIt) {
  for (const auto& folder : {"restic-0.14", "restic-0.18"}) {
    const auto& table = folder == std::string("restic-0.14") ? restic_0_14 : restic_0_17;
    for (const auto& one : recorded(folder)) {
      const Reading reading = read_ending(table, one.command, one.ended);
      const std::set<std::string> bad{"damaged", "incomplete", "no-snapshot"};
      EXPECT_EQ(reading.truth == Truth::fail, bad.contains(one.state)) << one.name;
    }
  }
}

}  // namespace
}  // namespace gameday
