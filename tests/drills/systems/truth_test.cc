#include "drills/systems/truth.h"

#include "drills/systems/pgbackrest.h"
#include "drills/systems/postgres_truth.h"
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

// Every one of their programs exits with 1 or 2 for all that goes wrong.
TEST(Truth, OfPostgresIsThatOfItsRecordedWords) {
  expect_read_as_recorded(postgres_15, "postgres-15");
  expect_read_as_recorded(tar_1_34, "tar-1.34");
  const std::set<std::string> bad{"damaged",   "missing-role", "missing-file", "not-reached",
                                  "too-early", "no-timeline",  "no-wal"};
  for (const auto& [table, folder] :
       {std::pair(&postgres_15, "postgres-15"), std::pair(&tar_1_34, "tar-1.34")}) {
    for (const auto& one : recorded(folder)) {
      const Reading reading = read_ending(*table, one.command, one.ended);
      EXPECT_EQ(reading.truth == Truth::fail, bad.contains(one.state)) << one.name;
      EXPECT_EQ(reading.code == ErrorCode::corrupt, bad.contains(one.state)) << one.name;
      const auto told = told_by(*table, one.command, one.ended);
      EXPECT_EQ(told.has_value(), one.state == "done") << one.name;
    }
  }
}

// That they exited with 0 is no success where they did not say so, and what they have not said
// before says nothing of the backup.
TEST(Truth, OfPostgresWhatIsNotKnownIsNoFailureOfTheBackup) {
  for (const char* command : {"pg_verifybackup", "pg_checksums", "recovery"}) {
    EXPECT_EQ(read_ending(postgres_15, command, ended(0, "what a day")).truth, Truth::unknown);
  }
  for (const char* command : {"pg_restore", "pg_verifybackup", "pg_checksums", "recovery"}) {
    EXPECT_EQ(read_ending(postgres_15, command, ended(1, "what a day")).truth, Truth::unknown);
    const auto killed = read_ending(postgres_15, command, ended(9, "", Ended::How::signalled));
    EXPECT_EQ(killed.truth, Truth::unknown) << command;
    EXPECT_NE(killed.code, ErrorCode::corrupt) << command;
  }
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
