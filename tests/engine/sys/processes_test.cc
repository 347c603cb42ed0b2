#include "engine/sys/processes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "engine/sys/processes_launch.h"
#include "engine/sys/processes_look.h"
#include "tests/engine/sys/processes_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

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

TEST_F(ProcessesTest, TheLastWordsOfATalkativeChildAreKept) {
  const std::string talk = "head -c 200000 /dev/zero | tr '\\0' a; echo the end; exit 3";
  const auto ended = processes_->run({{"/bin/sh", "-c", talk}, folder_, {}}, within(20s));
  ASSERT_TRUE(ended) << ended.error().text;
  EXPECT_EQ(ended->code, 3);
  EXPECT_EQ(ended->last.size(), 4U << 10);
  EXPECT_TRUE(ended->last.ends_with("the end\n"));
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

TEST_F(ProcessesTest, AProgramOfAdministratorsIsFoundBehindThePathOfAnOrdinaryUser) {
  const char* const usual = std::getenv("PATH");
  const std::string before = usual != nullptr ? usual : "";
  setenv("PATH", folder_.c_str(), 1);
  const auto behind = processes_->run({{"ldconfig", "-V"}, folder_, {}}, within(10s));
  std::filesystem::create_symlink(kChild, file("ldconfig"));
  const auto ours = processes_->run({{"ldconfig", "exit", "9"}, folder_, {}}, within(10s));
  const auto elsewhere = processes_->run({{"true"}, folder_, {}}, within(10s));
  setenv("PATH", before.c_str(), 1);
  ASSERT_TRUE(behind) << behind.error().text;
  EXPECT_TRUE(behind->succeeded());
  EXPECT_EQ(ours->code, 9) << "PATH comes first";
  EXPECT_EQ(elsewhere.error().code, ErrorCode::not_found);
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

// A copy would make each of our threads fault at each page that it writes, the load's too.
TEST(Launching, CopiesNothingOfOurMemory) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "this sanitizer makes a fork of it";
#endif
  constexpr std::size_t kPages = 2000;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* mapped = mmap(nullptr, kPages * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const auto faults = [] {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
  };
  const auto write_all = [&] {
    for (std::size_t i = 0; i < kPages; ++i) static_cast<volatile char*>(mapped)[i * page] = 'x';
  };
  write_all();
  long meanwhile = 0;
  Launcher launcher;
  Launch launch{kChild, {kChild, "exit", "0"}, {}, "/", Descriptor(open("/dev/null", O_WRONLY))};
  const auto launched = launcher.launch(std::move(launch), [&](pid_t) {
    const long before = faults();
    write_all();
    meanwhile = faults() - before;
  });
  ASSERT_TRUE(launched) << launched.error().text;
  EXPECT_EQ(waitpid(*launched, nullptr, 0), *launched);
  EXPECT_LT(meanwhile, 100);
  munmap(mapped, kPages * page);
}

}  // namespace
}  // namespace gameday
