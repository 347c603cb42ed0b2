#include <sys/stat.h>

#include <csignal>

#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow process_probe;

namespace {

using namespace std::chrono_literals;

class ProcessProbeTest : public ProbeTest {
 protected:
  ProcessProbeTest() : ProbeTest(process_probe) {
    system_ += "  west: { process: { pidfile: west.pid } }\n";
  }
  ~ProcessProbeTest() override { end(); }

  void start() {
    const auto id =
        world_.doors().processes.start_detached({{"sleep", "60"}, "/", {}}, world_.file("log"));
    ASSERT_TRUE(id);
    id_ = *id;
    write("west.pid", std::to_string(id_.pid) + "\n");
  }
  void end() {
    if (id_.pid == 0) return;
    (void)world_.doors().processes.signal(id_, SIGKILL);
    EXPECT_TRUE(world_.doors().processes.wait_gone(id_, {{}, world_.clock().in(5s)}));
    id_ = {};
  }
  static std::string looking(const std::string& expect) {
    return "{ process: west.pid, expect: { " + expect + " } }";
  }
  std::string shown() const { return "process " + std::to_string(id_.pid) + " (sleep 60)"; }

  ProcessId id_;
};

TEST_F(ProcessProbeTest, ALivingOneIsGood) {
  start();
  const auto answer = ask("{ process: west.pid }");
  EXPECT_TRUE(answer.ok);
  EXPECT_TRUE(answer.text.starts_with(shown() + ", ")) << answer.text;
  expect_good("{ process: { target: west } }");
  expect_no(looking("alive: false"), shown() + " is running, expected none");
}

TEST_F(ProcessProbeTest, ADeadOneIsNot) {
  start();
  const auto pid = std::to_string(id_.pid);
  end();
  const std::string gone = "process " + pid + " of " + world_.file("west.pid") + " is not running";
  expect_no("{ process: west.pid }", gone);
  const auto answer = ask(looking("alive: false"));
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, gone);
}

TEST_F(ProcessProbeTest, AZombieIsDead) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  write("west.pid", std::to_string(child));
  expect_no_with("{ process: west.pid }", "is not running");
  waitpid(child, nullptr, 0);
}

TEST_F(ProcessProbeTest, AMissingOrSenselessPidfileIsNot) {
  expect_no_with("{ process: west.pid }", "west.pid: No such file or directory");
  write("west.pid", "soon");
  expect_no("{ process: west.pid }", "no pid in " + world_.file("west.pid"));
  // Nobody knows by it whether one runs.
  expect_no(looking("alive: false"), "no pid in " + world_.file("west.pid"));
  std::filesystem::remove(world_.file("west.pid"));
  ASSERT_EQ(mkfifo(world_.file("west.pid").c_str(), 0600), 0);
  expect_no(looking("alive: false"), world_.file("west.pid") + " is no pidfile");
}

TEST_F(ProcessProbeTest, ItsAgeCounts) {
  start();
  expect_no_with(looking("age_at_least: 1h"), "old, expected at least 60m00s");
  bool old = false;
  for (int tries = 0; tries < 100 && !old; ++tries) {
    old = ask(looking("age_at_least: 200ms")).ok;
    (void)world_.clock().sleep({{}, world_.clock().in(20ms)});
  }
  EXPECT_TRUE(old);
}

TEST_F(ProcessProbeTest, ItsMemoryCounts) {
  start();
  expect_good(looking("rss_at_most: 512MiB"));
  expect_no_with(looking("rss_at_most: 4KiB"), "MiB in use, expected at most 0.0MiB");
}

TEST_F(ProcessProbeTest, WhatItHasOpenCounts) {
  write("west.pid", std::to_string(getpid()));
  std::vector<Descriptor> open;
  for (int i = 0; i < 50; ++i) open.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expect_good(looking("descriptors_at_most: 1000"));
  expect_no_with(looking("descriptors_at_most: 50"), "descriptors open, expected at most 50");
  open.clear();
  expect_good(looking("descriptors_at_most: 50"));
}

TEST_F(ProcessProbeTest, CheckRefusesWhatCannotBeMeant) {
  EXPECT_EQ(problem("{ process: {} }"), "`probes.asked`: missing `pidfile` or `target`");
  EXPECT_TRUE(problem("{ process: { pidfile: a, target: west } }").contains("both `pidfile`"));
  EXPECT_EQ(problem("{ process: { target: front } }"),
            "`probes.asked.target`: target front has no process with a pidfile");
  EXPECT_TRUE(problem("{ process: { target: wets } }").contains("did you mean `west`?"));
  for (const char* other : {"age_at_least: 1s", "rss_at_most: 1B", "descriptors_at_most: 1"}) {
    EXPECT_TRUE(problem(looking("alive: false, " + std::string(other)))
                    .contains("a process that must not be running"))
        << other;
  }
}

}  // namespace
}  // namespace gameday
