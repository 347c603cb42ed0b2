#include "engine/sys/processes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "engine/sys/processes_look.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

const std::string kChild = std::string(GAMEDAY_BIN_DIR) + "/process_child";

class ProcessesTest : public testing::Test {
 protected:
  ProcessesTest() {
    std::string pattern = testing::TempDir() + "processes.XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ProcessesTest() override {
    for (const auto& id : started_) static_cast<void>(processes_->signal(id, SIGKILL));
    for (const auto& id : started_) static_cast<void>(processes_->wait_gone(id, within(5s)));
    std::filesystem::remove_all(folder_);
  }

  Until within(Duration d) const { return {{}, clock_.in(d)}; }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kChild);
    return {arguments, folder_, {}};
  }
  bool comes_true(const std::function<bool()>& condition, Duration d = 10s) const {
    const Instant end = clock_.in(d);
    while (!condition() && clock_.now().boot < end) {
      static_cast<void>(clock_.sleep({{}, clock_.in(2ms)}));
    }
    return condition();
  }
  std::string bytes_of(const std::string& name) const {
    return files_.read(file(name)).value_or("");
  }
  std::string when_written(const std::string& name) const {
    EXPECT_TRUE(comes_true([&] { return files_.exists(file(name)); })) << name;
    return bytes_of(name);
  }
  // A target that says what it is in the file "before".
  ProcessFacts a_target(std::vector<std::string> extra_environment = {},
                        std::vector<std::string> arguments = {}) {
    if (arguments.empty()) arguments = {"serve", file("said")};
    Command starting = command(std::move(arguments));
    starting.extra_environment = std::move(extra_environment);
    const auto id = processes_->start_detached(starting, file("log"));
    EXPECT_TRUE(id) << id.error().text;
    started_.push_back(*id);
    when_written("said");
    const auto facts = processes_->look(id->pid);
    EXPECT_TRUE(facts) << facts.error().text;
    return *facts;
  }
  void end(const ProcessId& id) {
    EXPECT_TRUE(processes_->signal(id, SIGKILL));
    EXPECT_TRUE(processes_->wait_gone(id, within(5s)));
  }
  Result<ProcessId> again(const ProcessFacts& facts, const std::string& pidfile = "") {
    auto id = processes_->start_again(facts, "GAMEDAY_MARK=01J-3", pidfile);
    if (id) started_.push_back(*id);
    return id;
  }

  SystemClock clock_;
  Files files_;
  std::string folder_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::vector<ProcessId> started_;
};

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).contains("\n" + line + "\n");
}

TEST_F(ProcessesTest, ExitWithNineAndASignalOfNineDiffer) {
  const auto exited = processes_->run(command({"exit", "9"}), within(10s));
  const auto killed = processes_->run(command({"die", "9"}), within(10s));
  ASSERT_TRUE(exited && killed);
  EXPECT_EQ(exited->how, Ended::How::exited);
  EXPECT_EQ(exited->code, 9);
  EXPECT_EQ(killed->how, Ended::How::signalled);
  EXPECT_EQ(killed->code, SIGKILL);
  EXPECT_FALSE(exited->succeeded());
}

TEST_F(ProcessesTest, AChildHasThreeDescriptorsAGroupAndFreshSignals) {
  const int leaked = open("/dev/null", O_RDONLY);  // without close-on-exec, as a library might
  struct sigaction ignored{}, old{};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignored, &old);
  const auto ended = processes_->run(command({"describe", "a b", ""}), within(10s));
  sigaction(SIGPIPE, &old, nullptr);
  close(leaked);
  ASSERT_TRUE(ended) << ended.error().text;
  EXPECT_TRUE(has_line(ended->output, "fds=0 1 2 ")) << ended->output;
  EXPECT_TRUE(has_line(ended->output, "arg0=" + kChild));
  EXPECT_TRUE(has_line(ended->output, "arg2=a b"));
  EXPECT_TRUE(has_line(ended->output, "arg3="));
  EXPECT_TRUE(has_line(ended->output, "cwd=" + folder_));
  EXPECT_TRUE(has_line(ended->output, "leads=01"));
  EXPECT_TRUE(has_line(ended->output, "stream0=/dev/null"));
  EXPECT_TRUE(has_line(ended->output, "signals=00"));
}

TEST_F(ProcessesTest, EnvironmentIsOursWithTheCommandsOnTop) {
  setenv("GAMEDAY_TEST_OURS", "old", 1);
  Command starting = command({"describe"});
  starting.extra_environment = {"GAMEDAY_TEST_OURS=new", "GAMEDAY_TEST_EXTRA=1"};
  const auto ended = processes_->run(starting, within(10s));
  unsetenv("GAMEDAY_TEST_OURS");
  ASSERT_TRUE(ended);
  EXPECT_TRUE(has_line(ended->output, "env:GAMEDAY_TEST_OURS=new"));
  EXPECT_FALSE(has_line(ended->output, "env:GAMEDAY_TEST_OURS=old"));
  EXPECT_TRUE(has_line(ended->output, "env:GAMEDAY_TEST_EXTRA=1"));
}

TEST_F(ProcessesTest, OutputIsBoundedAndTheChildStillEnds) {
  const auto ended = processes_->run(command({"flood", "1000000"}), within(20s));
  ASSERT_TRUE(ended) << ended.error().text;
  EXPECT_TRUE(ended->succeeded());
  EXPECT_EQ(ended->output.size(), 64U << 10);
}

TEST_F(ProcessesTest, AMissingProgramOrFolderIsAClearError) {
  Command missing{{"./no-such"}, folder_, {}};
  EXPECT_EQ(
      processes_->run(missing, within(5s)).error(),
      (Error{ErrorCode::not_found, "cannot run ./no-such: no program " + file("no-such"), ""}));
  missing.argv = {"gameday-has-no-such-program"};
  EXPECT_EQ(processes_->run(missing, within(5s)).error().code, ErrorCode::not_found);
  missing = {{"true"}, file("nowhere"), {}};
  EXPECT_EQ(processes_->run(missing, within(5s)).error().code, ErrorCode::not_found);
  EXPECT_EQ(processes_->run({{}, folder_, {}}, within(5s)).error().code, ErrorCode::invalid);
  std::ofstream(file("no-format")) << "\x01\x02";
  chmod(file("no-format").c_str(), 0755);
  EXPECT_EQ(processes_->run({{"./no-format"}, folder_, {}}, within(5s)).error().code,
            ErrorCode::failed);
}

TEST_F(ProcessesTest, AProgramIsFoundInPathAndFromTheFolder) {
  EXPECT_TRUE(processes_->run({{"true"}, folder_, {}}, within(10s))->succeeded());
  std::filesystem::create_symlink(kChild, file("tool"));
  const auto ended = processes_->run({{"./tool", "describe"}, folder_, {}}, within(10s));
  ASSERT_TRUE(ended) << ended.error().text;
  EXPECT_TRUE(has_line(ended->output, "arg0=./tool"));
}

TEST_F(ProcessesTest, AStopKillsTheGroupAndReturnsSoon) {
  StopSource source;
  auto running = std::async(std::launch::async, [&] {
    return processes_->run(command({"fork-away", file("away")}), {source.stop(), clock_.in(60s)});
  });
  const pid_t away = std::stoi(when_written("away"));
  const auto facts = processes_->look(away);
  ASSERT_TRUE(facts);
  const Instant asked = clock_.now().boot;
  source.request();
  const auto ended = running.get();
  EXPECT_LT(clock_.now().boot - asked, Duration(200ms));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::stopped);
  EXPECT_FALSE(processes_->alive(facts->id)) << "the double-forked member of the group lives";
}

TEST_F(ProcessesTest, TheDeadlineKillsAChildThatNeverStopsWriting) {
  const auto ended = processes_->run(command({"flood", "-1"}), within(100ms));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::timed_out);
}

TEST_F(ProcessesTest, AStopBeforehandStartsNothing) {
  StopSource source;
  source.request();
  int announced = 0;
  const auto processes = make_processes(clock_, [&](const ProcessId&) { ++announced; });
  const auto ended = processes->run(command({"exit", "0"}), {source.stop(), clock_.in(5s)});
  EXPECT_EQ(ended.error().code, ErrorCode::stopped);
  EXPECT_EQ(announced, 0);
}

TEST_F(ProcessesTest, AChildIsAnnouncedWhileItIsNotYetItsProgram) {
  std::string exe;
  ProcessId announced;
  const auto processes = make_processes(clock_, [&](const ProcessId& id) {
    announced = id;
    exe = std::filesystem::read_symlink("/proc/" + std::to_string(id.pid) + "/exe").string();
  });
  ASSERT_TRUE(processes->run(command({"exit", "0"}), within(10s))->succeeded());
  EXPECT_GT(announced.pid, 0);
  EXPECT_EQ(exe, std::filesystem::read_symlink("/proc/self/exe").string());
  EXPECT_FALSE(processes->alive(announced));
}

TEST_F(ProcessesTest, AnAnnouncerThatThrowsLeavesNoChild) {
  ProcessId announced;
  const auto processes = make_processes(clock_, [&](const ProcessId& id) {
    announced = id;
    throw std::runtime_error("no room");
  });
  EXPECT_THROW(static_cast<void>(processes->run(command({"wait"}), within(10s))),
               std::runtime_error);
  EXPECT_EQ(processes->look(announced.pid).error().code, ErrorCode::not_found);
}

TEST_F(ProcessesTest, TheObserverSeesEachChangeOnBothSides) {
  std::vector<std::string> seen;
  const auto processes = make_processes(clock_, {}, [&](std::string_view door, Side side) {
    seen.push_back(std::string(door) + (side == Side::before ? " before" : " after"));
  });
  ASSERT_TRUE(processes->run(command({"exit", "0"}), within(10s)));
  EXPECT_EQ(seen, (std::vector<std::string>{"processes before", "processes after"}));
  const auto facts = a_target();
  seen.clear();
  ASSERT_TRUE(processes->signal(facts.id, SIGKILL));
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(ProcessesTest, ManyThreadsRunChildrenAtOnce) {
  std::vector<std::future<bool>> all;
  for (int code = 0; code < 12; ++code) {
    all.push_back(std::async(std::launch::async, [this, code] {
      const auto ended = processes_->run(command({"exit", std::to_string(code)}), within(30s));
      return ended && ended->how == Ended::How::exited && ended->code == code;
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
}

// The runner of this test is a fork of it, so that its death can be seen from outside.
TEST_F(ProcessesTest, ARunnersDeathEndsItsChildAndNotWhatItStartedDetached) {
  const pid_t runner = fork();
  if (runner == 0) {
    const auto processes = make_processes(clock_, [&](const ProcessId& id) {
      static_cast<void>(files_.write(file("child"), to_json(id).dump()));
    });
    const auto detached = processes->start_detached(command({"wait"}), file("log"));
    static_cast<void>(files_.write(file("detached"), to_json(*detached).dump()));
    static_cast<void>(processes->run(command({"serve", file("said")}), within(60s)));
    _exit(0);
  }
  when_written("said");
  const auto child = process_id_from(*Json::parse(bytes_of("child")));
  const auto detached = process_id_from(*Json::parse(bytes_of("detached")));
  ASSERT_TRUE(child && detached);
  EXPECT_TRUE(processes_->alive(*child));
  started_.push_back(*detached);
  kill(runner, SIGKILL);
  waitpid(runner, nullptr, 0);
  EXPECT_TRUE(comes_true([&] { return !processes_->alive(*child); }));
  EXPECT_TRUE(processes_->alive(*detached));
}

TEST_F(ProcessesTest, ARunnersDeathBeforeTheGateOpensStartsNothing) {
  const pid_t runner = fork();
  if (runner == 0) {
    const auto processes = make_processes(clock_, [&](const ProcessId& id) {
      static_cast<void>(files_.write(file("child"), to_json(id).dump()));
      pause();
    });
    static_cast<void>(processes->run(command({"serve", file("said")}), within(60s)));
    _exit(0);
  }
  const auto child = process_id_from(*Json::parse(when_written("child")));
  ASSERT_TRUE(child);
  kill(runner, SIGKILL);
  waitpid(runner, nullptr, 0);
  EXPECT_TRUE(comes_true([&] { return !processes_->alive(*child); }));
  EXPECT_FALSE(files_.exists(file("said")));
}

TEST_F(ProcessesTest, AZombieIsNotAlive) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const auto facts = processes_->look(child);
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_TRUE(facts->zombie);
  EXPECT_FALSE(processes_->alive(facts->id));
  EXPECT_EQ(processes_->signal(facts->id, SIGTERM).error().code, ErrorCode::not_found);
  EXPECT_TRUE(processes_->wait_gone(facts->id, within(1s)));
  waitpid(child, nullptr, 0);
  EXPECT_EQ(processes_->look(child).error().code, ErrorCode::not_found);
}

TEST_F(ProcessesTest, APidThatWasGivenOutAgainIsNotTheOldProcess) {
  const auto facts = a_target();
  ProcessId old = facts.id;
  old.start -= 1;
  EXPECT_FALSE(processes_->alive(old));
  EXPECT_EQ(processes_->signal(old, SIGKILL).error().code, ErrorCode::not_found);
  EXPECT_TRUE(processes_->wait_gone(old, within(1s)));
  ProcessId other_boot = facts.id;
  other_boot.boot = "00000000-0000-0000-0000-000000000000";
  EXPECT_EQ(processes_->signal(other_boot, SIGKILL).error().code, ErrorCode::not_found);
  EXPECT_TRUE(processes_->alive(facts.id));
}

TEST_F(ProcessesTest, WaitingForAProcessEndsAtTheStop) {
  const auto facts = a_target();
  StopSource source;
  source.request();
  EXPECT_EQ(processes_->wait_gone(facts.id, {source.stop(), clock_.in(10s)}).error().code,
            ErrorCode::stopped);
  EXPECT_EQ(processes_->wait_gone(facts.id, within(20ms)).error().code, ErrorCode::timed_out);
}

TEST_F(ProcessesTest, ANameWithBlanksAndParenthesesIsReadRight) {
  const auto stat = proc::parse_stat(
      "42 (a) S 1 (b c) S 7 41 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8899 0 0\n");
  ASSERT_TRUE(stat) << stat.error().text;
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->group, 41);
  EXPECT_EQ(stat->start, 8899U);
  EXPECT_FALSE(proc::parse_stat("42 no name"));
  EXPECT_FALSE(proc::parse_stat("42 (a) S 1 2 3"));
  EXPECT_FALSE(proc::parse_stat("42 (a) S x 41 41 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 8899 0 0"));
}

TEST_F(ProcessesTest, ADetachedChildLeadsItsSessionAndLogsItsErrors) {
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

TEST_F(ProcessesTest, FactsReadBackFromJsonWithoutTheEnvironment) {
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

TEST_F(ProcessesTest, AProcessStartedAgainIsTheSameButForItsMark) {
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

TEST_F(ProcessesTest, IdsAndGroupsAreThoseItHad) {
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

TEST_F(ProcessesTest, ThePidfileIsThereBeforeTheProgramRuns) {
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

TEST_F(ProcessesTest, APidfileThatCannotBeWrittenStartsNothing) {
  auto facts = a_target();
  end(facts.id);
  std::filesystem::remove(file("said"));
  const auto id = again(facts, file("nowhere/pid"));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::not_found);
  EXPECT_FALSE(files_.exists(file("said")));
}

TEST_F(ProcessesTest, WhatCannotBeTheSameAgainIsNotStarted) {
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

TEST_F(ProcessesTest, StreamsThatCannotBeOpenedAgainAreEmpty) {
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

TEST_F(ProcessesTest, AProcessStartedAgainIsNotAnnounced) {
  auto facts = a_target();
  end(facts.id);
  int announced = 0;
  const auto processes = make_processes(clock_, [&](const ProcessId&) { ++announced; });
  const auto id = processes->start_again(facts, "", "");
  ASSERT_TRUE(id);
  started_.push_back(*id);
  EXPECT_EQ(announced, 0);
}

TEST_F(ProcessesTest, ALockOfOursLastsUntilTheProgramRuns) {
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
