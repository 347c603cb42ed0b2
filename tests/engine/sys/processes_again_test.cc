// Processes that outlive whoever started them: a target that is put back, and what is known of it.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/engine/sys/processes_fixture.h"

namespace gameday {
namespace {

class ProcessesAgainTest : public ProcessesTest {
 protected:
  void end(const ProcessId& id) {
    EXPECT_TRUE(processes_->signal(id, SIGKILL));
    EXPECT_TRUE(processes_->wait_gone(id, within(std::chrono::seconds(5))));
  }
  Result<ProcessId> again(const ProcessFacts& facts, const std::string& pidfile = "") {
    auto id = processes_->start_again(facts, "GAMEDAY_MARK=01J-3", pidfile);
    if (id) started_.push_back(*id);
    return id;
  }
};

TEST_F(ProcessesAgainTest, ADetachedChildLeadsItsSessionAndLogsItsErrors) {
  const auto facts = a_target();
  const auto said = bytes_of("said");
  EXPECT_TRUE(has_line(said, "leads=11"));
  EXPECT_TRUE(has_line(said, "stream0=/dev/null"));
  EXPECT_TRUE(has_line(said, "stream1=/dev/null"));
  EXPECT_TRUE(has_line(said, "stream2=" + file("log")));
  // The file it writes at that moment is its fourth.
  EXPECT_TRUE(has_line(said, "fds=0 1 2 3 ")) << said;
  EXPECT_NE(facts.parent, getpid());
  EXPECT_TRUE(comes_true([&] { return bytes_of("log") == "serving\n"; }));
  EXPECT_EQ(processes_->start_detached({{"./nothing"}, folder_, {}}, file("log")).error().code,
            ErrorCode::not_found);
}

TEST_F(ProcessesAgainTest, FactsReadBackFromJsonWithoutTheEnvironment) {
  const auto facts = a_target({"SECRET=canary-1"});
  ASSERT_TRUE(std::ranges::find(facts.environment, "SECRET=canary-1") != facts.environment.end());
  const auto json = to_json(facts);
  EXPECT_FALSE(json.dump().contains("canary-1"));
  const auto back = process_facts_from(*Json::parse(json.dump()));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->limits.size(), facts.limits.size());
  EXPECT_EQ(back->limits[RLIMIT_CORE].hard, facts.limits[RLIMIT_CORE].hard);
  for (const char* member : {"id", "exe", "argv", "cwd", "uid", "gid"}) {
    Json lacking = json;
    lacking.erase(member);
    EXPECT_EQ(process_facts_from(lacking).error().code, ErrorCode::corrupt) << member;
  }
}

TEST_F(ProcessesAgainTest, AProcessStartedAgainIsTheSameButForItsMark) {
  rlimit files{}, few{};
  getrlimit(RLIMIT_NOFILE, &files);
  few = {files.rlim_cur - 7, files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  const mode_t mask = umask(027);
  auto facts = a_target({"SECRET=canary-2"});
  umask(mask);
  setrlimit(RLIMIT_NOFILE, &files);
  const auto before = bytes_of("said");
  end(facts.id);
  std::filesystem::remove(file("said"));
  const auto id = again(facts);
  ASSERT_TRUE(id) << id.error().text;
  auto after = when_written("said");
  const std::string mark = "env:GAMEDAY_MARK=01J-3\n";
  ASSERT_TRUE(after.contains(mark)) << after;
  EXPECT_EQ(after.erase(after.find(mark), mark.size()), before);
  EXPECT_TRUE(before.contains("umask=23\n")) << before;
  const auto now = processes_->look(id->pid);
  ASSERT_TRUE(now);
  EXPECT_NE(now->parent, getpid());
  EXPECT_EQ(now->cgroup, facts.cgroup);
  EXPECT_TRUE(comes_true([&] { return bytes_of("log") == "serving\nserving\n"; }))
      << "the log is not written to from its end";
}

TEST_F(ProcessesAgainTest, IdsAndGroupsAreThoseItHad) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a process other ids";
  ASSERT_EQ(chmod(folder_.c_str(), 0777), 0);
  auto facts = a_target();
  end(facts.id);
  std::filesystem::remove(file("said"));
  facts.uid = 12345;
  facts.gid = 12346;
  facts.groups = {12346, 12347};
  const auto id = again(facts, file("pid"));
  if (!id && id.error().code == ErrorCode::refused) GTEST_SKIP() << id.error().text;
  ASSERT_TRUE(id) << id.error().text;
  const auto said = when_written("said");
  EXPECT_TRUE(has_line(said, "ids=12345/12345/12346/12346")) << said;
  EXPECT_TRUE(has_line(said, "groups=12346 12347 ")) << said;
  struct stat owner{};
  ASSERT_EQ(stat(file("pid").c_str(), &owner), 0);
  EXPECT_EQ(owner.st_uid, 12345U);
}

TEST_F(ProcessesAgainTest, ThePidfileIsThereBeforeTheProgramRuns) {
  auto facts = a_target({}, {"serve", file("said"), file("pid")});
  end(facts.id);
  std::filesystem::remove(file("said"));
  std::ofstream(file("pid")) << "1";
  chmod(file("pid").c_str(), 0640);
  const auto id = again(facts, file("pid"));
  ASSERT_TRUE(id) << id.error().text;
  EXPECT_TRUE(when_written("said").contains("pidfile=" + std::to_string(id->pid) + "\n"));
  struct stat kept{};
  stat(file("pid").c_str(), &kept);
  EXPECT_EQ(kept.st_mode & 0777U, 0640U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 3) << "residue";
}

TEST_F(ProcessesAgainTest, APidfileThatCannotBeWrittenStartsNothing) {
  auto facts = a_target();
  end(facts.id);
  std::filesystem::remove(file("said"));
  const auto id = again(facts, file("nowhere/pid"));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::not_found);
  EXPECT_FALSE(files_.exists(file("said")));
}

TEST_F(ProcessesAgainTest, WhatCannotBeTheSameAgainIsNotStarted) {
  auto facts = a_target();
  end(facts.id);
  auto deleted = facts;
  deleted.exe += " (deleted)";
  EXPECT_EQ(again(deleted).error().code, ErrorCode::not_found);
  auto lost = facts;
  lost.exe = file("gone");
  EXPECT_EQ(again(lost).error().code, ErrorCode::not_found);
  auto plain = facts;
  plain.exe = file("log");
  chmod(file("log").c_str(), 0600);
  EXPECT_EQ(again(plain).error().code, ErrorCode::refused);
  auto elsewhere = facts;
  elsewhere.namespaces.back() += "0";
  EXPECT_EQ(again(elsewhere).error().code, ErrorCode::unsupported);
  auto homeless = facts;
  homeless.cwd = file("nowhere");
  EXPECT_EQ(again(homeless).error().text,
            "cannot enter its folder (" + facts.exe + "): No such file or directory");
}

TEST_F(ProcessesAgainTest, StreamsThatCannotBeOpenedAgainAreEmpty) {
  auto facts = a_target();
  end(facts.id);
  std::filesystem::remove(file("said"));
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  facts.standard_streams = {"pipe:[12345]", file("fifo"), file("log") + " (deleted)"};
  ASSERT_TRUE(again(facts));
  const auto said = when_written("said");
  for (const char* stream : {"stream0", "stream1", "stream2"}) {
    EXPECT_TRUE(has_line(said, std::string(stream) + "=/dev/null")) << said;
  }
}

TEST_F(ProcessesAgainTest, AProcessStartedAgainIsNotAnnounced) {
  auto facts = a_target();
  end(facts.id);
  int announced = 0;
  const auto processes = make_processes(clock_, [&](const ProcessId&) { ++announced; });
  const auto id = processes->start_again(facts, "", "");
  ASSERT_TRUE(id);
  started_.push_back(*id);
  EXPECT_EQ(announced, 0);
}

TEST_F(ProcessesAgainTest, ALockOfOursLastsUntilTheProgramRuns) {
  auto facts = a_target();
  end(facts.id);
  auto lock = files_.lock(file("lock"));
  ASSERT_TRUE(lock);
  ASSERT_TRUE(again(facts));
  lock->reset();
  EXPECT_TRUE(files_.lock(file("lock"))) << "the program holds our lock";
}

}  // namespace
}  // namespace gameday
