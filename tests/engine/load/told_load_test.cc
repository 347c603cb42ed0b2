// A load that a real process carries: a script that tells of requests which it makes up.
#include "engine/load/told_load.h"

#include <fstream>

#include "tests/engine/load/load_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// `s`: its connection; `say`: tells; `now`: since boot, in ns; `asked`: waits until it is to end.
constexpr const char* kTeller = R"(
import os, select, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect("\0" + os.environ["GAMEDAY_TELL"])
def say(text): s.sendall(text.encode())
def now(): return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
def asked(for_s): return bool(select.select([s], [], [], for_s)[0])
)";
constexpr const char* kTellsUntilAsked = R"(
say("hello local 1 9.9\nbegins\nusers 2 5000000\n")
while not asked(0.02):
    say(f"r {now() - 3000000} 3000000 o 200\tGET /\t\n")
say(f"r {now() + 1000000000} 3000000 o 200\tGET /after\t\n")
say("users 0 7000000\nbye\n")
)";

class ToldLoadTest : public LoadTest {
 protected:
  Result<std::unique_ptr<Load>> begin(const std::string& script, std::size_t senders = 1,
                                      Duration patience = seconds(20)) {
    std::ofstream(folder_ + "/teller.py") << kTeller << script;
    LoadTerms terms;
    terms.spec.name = "browsing";
    terms.spec.timeout = milliseconds(500);
    Carrier carrier{"Teller", {{"/usr/bin/python3", "teller.py"}, folder_, {}}, senders, 0, 2};
    return start_told_load(terms, carrier, "mark-" + std::to_string(getpid()), doors_,
                           {Stop(), clock_.in(patience)},
                           [this](const WindowCount& window) { windows_.push_back(window); });
  }
  [[nodiscard]] bool lives() const {
    for (const pid_t pid : processes_->all()) {
      const auto facts = processes_->look(pid);
      if (facts && !facts->zombie && facts->cwd == folder_) return true;
    }
    return false;
  }
};

TEST_F(ToldLoadTest, BecomesSamplesAndWindows) {
  const Instant before = clock_.now().boot;
  auto load = begin(kTellsUntilAsked);
  ASSERT_TRUE(load) << load.error().text;
  rest(seconds(3));
  (*load)->end();
  EXPECT_EQ((*load)->problem(), "");
  EXPECT_FALSE(lives());
  const auto& samples = (*load)->samples();
  ASSERT_GT(samples.size(), 50U);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].seq, i);
    EXPECT_TRUE(samples[i].good());
    EXPECT_EQ(samples[i].latency(), milliseconds(3));
    EXPECT_EQ(samples[i].send_lag(), Duration{});
    EXPECT_GE(samples[i].due, before);
    EXPECT_LE(samples[i].due, clock_.now().boot) << "what it sends to end counts nowhere";
    EXPECT_LE(samples[i == 0 ? 0 : i - 1].due, samples[i].due);
  }
  std::uint64_t due = 0;
  for (const auto& window : windows_) due += window.due;
  EXPECT_EQ(due, samples.size());
  EXPECT_EQ((*load)->carried().by.name, "Teller 9.9");
  EXPECT_EQ((*load)->carried().cpu, milliseconds(7));
  ASSERT_NE((*load)->told(), nullptr);
  EXPECT_EQ((*load)->told()->why_not_valid(), "");
  EXPECT_EQ((*load)->told()->closed().users, 2);
}

TEST_F(ToldLoadTest, WhatIsToldLateCountsAllTheSame) {
  auto load = begin(R"(
say("hello local 1 9.9\nbegins\n")
first = now()
asked(4)
say(f"r {first} 3000000 o 200\tGET /\t\n")
asked(20)
say("bye\n")
)");
  ASSERT_TRUE(load) << load.error().text;
  rest(seconds(5));
  (*load)->end();
  EXPECT_EQ((*load)->samples().size(), 1U);
  for (const auto& window : windows_) EXPECT_EQ(window.due, 0U) << "its window had been given out";
}

TEST_F(ToldLoadTest, OneThatEndsByItselfTellsItsLastWords) {
  auto load =
      begin(std::string(kTellsUntilAsked)
                .replace(0, 0,
                         "import threading\ndef go():\n    for i in range(9000): print('noise')\n"
                         "    print('out of memory', flush=True)\n    os._exit(9)\n"
                         "threading.Timer(2, go).start()\n"));
  ASSERT_TRUE(load) << load.error().text;
  EXPECT_TRUE(soon([&] { return !(*load)->problem().empty(); }));
  const std::string problem = (*load)->problem();
  EXPECT_TRUE(problem.starts_with("Teller has ended by itself: exit code 9; ")) << problem;
  EXPECT_TRUE(problem.ends_with("out of memory")) << problem;
  (*load)->end();
  EXPECT_NE((*load)->told()->why_not_valid(), "");
}

TEST_F(ToldLoadTest, OneThatIsNotThereInTimeIsNoLoad) {
  const auto one_of_two = begin(kTellsUntilAsked, 2, seconds(3));
  ASSERT_FALSE(one_of_two);
  EXPECT_TRUE(one_of_two.error().text.contains("only 1 of 2")) << one_of_two.error().text;
  EXPECT_FALSE(lives());
  const auto waits = begin("say('hello local 1 9.9\\n')\ntime.sleep(100)\n", 1, seconds(3));
  ASSERT_FALSE(waits);
  EXPECT_TRUE(waits.error().text.contains("only 0 of 1")) << waits.error().text;
  const auto dead = begin("print('no such module')\nsys.exit(1)\n");
  ASSERT_FALSE(dead);
  EXPECT_TRUE(dead.error().text.contains("no such module")) << dead.error().text;
}

TEST_F(ToldLoadTest, OneThatDoesNotEndWhenAskedIsEnded) {
  auto load = begin(std::string(kTellsUntilAsked) + "time.sleep(100)\n");
  ASSERT_TRUE(load) << load.error().text;
  const Instant asked = clock_.now().boot;
  (*load)->end();
  EXPECT_LT(clock_.now().boot - asked, seconds(40));
  EXPECT_FALSE(lives());
  EXPECT_EQ((*load)->problem(), "");
}

TEST_F(ToldLoadTest, OneThatNeverReadsWhatItIsToldIsEndedAndDoesNotCount) {
  auto load = begin("say('hello local 1 9.9\\nbegins\\n')\ntime.sleep(100)\n");
  ASSERT_TRUE(load) << load.error().text;
  (*load)->end();
  EXPECT_FALSE(lives());
  EXPECT_NE((*load)->told()->why_not_valid(), "");
}

}  // namespace
}  // namespace gameday
