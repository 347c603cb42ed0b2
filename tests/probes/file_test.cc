#include <fcntl.h>
#include <sys/stat.h>

#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow file_probe;

namespace {

using namespace std::chrono_literals;

class FileProbeTest : public ProbeTest {
 protected:
  FileProbeTest() : ProbeTest(file_probe) {}

  static std::string looking(const std::string& expect) {
    return "{ file: backup.db, expect: { " + expect + " } }";
  }
  void make_old(std::chrono::seconds age) const {
    const timespec then{time(nullptr) - age.count(), 0};
    const timespec times[2] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, world_.file("backup.db").c_str(), times, 0), 0);
  }
};

TEST_F(FileProbeTest, AFileMustBeThere) {
  expect_no("{ file: backup.db }", "there is no " + world_.file("backup.db"));
  write("backup.db", "rows");
  const auto answer = ask("{ file: backup.db }");
  EXPECT_TRUE(answer.ok);
  EXPECT_TRUE(answer.text.starts_with(world_.file("backup.db") + " has 4 bytes, is "))
      << answer.text;
}

TEST_F(FileProbeTest, OrMustNot) {
  const auto answer = ask(looking("exists: false"));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "there is no " + world_.file("backup.db"));
  write("backup.db", "");
  expect_no(looking("exists: false"), world_.file("backup.db") + " is there, expected nothing");
}

TEST_F(FileProbeTest, WhatCannotBeLookedAtIsNeither) {
  write("plain", "");
  const std::string below = "{ file: plain/backup.db";
  expect_no_with(below + " }", "plain/backup.db");
  expect_no_with(below + ", expect: { exists: false } }", "Not a directory");
}

TEST_F(FileProbeTest, WhatItContainsCounts) {
  write("backup.db", "5 rows");
  expect_good(looking("contains: 5 rows"));
  expect_no_with(looking("contains: 6 rows"), "but does not contain '6 rows'");
}

TEST_F(FileProbeTest, ItsAgeCounts) {
  write("backup.db", "");
  make_old(90s);
  expect_good(looking("age_at_most: 2m"));
  expect_no_with(looking("age_at_most: 1m"), "old, expected at most 60s");
  make_old(-3600s);
  expect_good(looking("age_at_most: 1m"));
}

TEST_F(FileProbeTest, ItsSizeCounts) {
  write("backup.db", std::string(1024, 'x'));
  expect_good(looking("size_at_least: 1KiB"));
  expect_no(looking("size_at_least: 1025B"),
            world_.file("backup.db") + " has 1024 bytes, expected at least 1025");
}

TEST_F(FileProbeTest, OnlyFilesHaveContentAndNobodyWaitsForAPipe) {
  ASSERT_EQ(mkfifo(world_.file("backup.db").c_str(), 0600), 0);
  expect_no(looking("contains: x"), world_.file("backup.db") + " is no file with content");
  std::filesystem::remove(world_.file("backup.db"));
  std::filesystem::create_directory(world_.file("backup.db"));
  expect_no("{ file: backup.db }", world_.file("backup.db") + " is no file with content");
}

TEST_F(FileProbeTest, AFileThatIsTooLargeIsNotLookedThrough) {
  write("backup.db", "");
  std::filesystem::resize_file(world_.file("backup.db"), (64 << 20) + 1);
  expect_good("{ file: backup.db }");
  expect_no_with(looking("contains: x"), "is larger than 67108864 bytes");
}

TEST_F(FileProbeTest, CheckRefusesWhatCannotBeMeant) {
  for (const char* other : {"contains: x", "age_at_most: 1s", "size_at_least: 1B"}) {
    EXPECT_TRUE(problem(looking("exists: false, " + std::string(other)))
                    .contains("a file that must not be there"))
        << other;
  }
  EXPECT_TRUE(problem(looking("age_at_most: 5")).contains("expected a number with a unit"));
}

}  // namespace
}  // namespace gameday
