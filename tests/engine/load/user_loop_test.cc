// Closed users against a transport and a clock that are made up, so that they can be starved.
#include "engine/load/user_loop.h"

#include <gtest/gtest.h>

#include "tests/engine/load/made_transport.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class UserLoopTest : public testing::Test {
 protected:
  // Until `length` has passed on the made clock.
  void run(const UsersSpec& spec, Duration length) {
    start_ = clock_.now_.boot;
    Recorder recorder({start_, 100, nullptr, nullptr,
                       [this](const WindowCount& window) { windows_.push_back(window); }});
    UserLoop loop(Users(spec, 7, start_), seconds(1), pattern_, transport_, recorder, clock_,
                  milliseconds(50));
    const auto before = transport_.on_work_;
    transport_.on_work_ = [&](Instant now) {
      if (before) before(now);
      most_seen_ = std::max(most_seen_, transport_.waiting_before_);
      if (now >= start_ + length) loop.end();
    };
    loop.run();
    problem_ = loop.problem();
    spawned_ = loop.spawned();
    jumps_ = loop.clock_jumps().size();
    samples_ = recorder.take_samples();
  }

  SetClock clock_;
  MadeTransport transport_{clock_};
  Secrets secrets_;
  RequestPattern pattern_{{}, "01J", "checkout", 7, secrets_};
  Instant start_;
  std::vector<WindowCount> windows_;
  std::vector<Sample> samples_;
  std::string problem_;
  std::size_t most_seen_ = 0;
  std::uint64_t spawned_ = 0;
  std::size_t jumps_ = 0;
};

TEST_F(UserLoopTest, EachAsksWaitsAndThinks) {
  run({.users = 1, .think_least = milliseconds(99), .think_most = milliseconds(99)}, seconds(3));
  ASSERT_EQ(samples_.size(), 31U);  // answered after a millisecond: every 100 ms
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    EXPECT_EQ(samples_[i].due, start_ + milliseconds(100) * i);
    EXPECT_EQ(samples_[i].send_lag(), Duration::zero());
    EXPECT_EQ(samples_[i].latency(), milliseconds(1));
  }
  EXPECT_EQ(most_seen_, 1U);
  EXPECT_EQ(spawned_, 1U);
  ASSERT_EQ(windows_.size(), 4U);
  EXPECT_EQ(windows_[1].ok, 10U);
}

TEST_F(UserLoopTest, SamplesAreInTheOrderInWhichTheyWereDue) {
  run({.users = 40, .spawn_rate = 20, .think_most = milliseconds(700)}, seconds(6));
  ASSERT_GT(samples_.size(), 300U);
  EXPECT_TRUE(std::ranges::is_sorted(samples_, {}, &Sample::due));
  std::uint64_t due = 0;
  for (const WindowCount& window : windows_) due += window.due;
  EXPECT_EQ(due, samples_.size());
  EXPECT_EQ(spawned_, 40U);
}

TEST_F(UserLoopTest, WithoutThinkTimeAsManyAreOnTheirWayAsThereAreUsers) {
  run({.users = 8}, milliseconds(2500));
  EXPECT_EQ(most_seen_, 8U);
  EXPECT_EQ(samples_.size(), 8U * 2501) << "who is due at the end asks";
}

// The system answers nothing: each user waits for as long as a request may take, and no longer.
TEST_F(UserLoopTest, AStalledSystemIsAskedLess) {
  transport_.silent_ = true;
  const Instant start = clock_.now_.boot;
  transport_.on_work_ = [&](Instant now) { transport_.silent_ = now < start + milliseconds(900); };
  run({.users = 3, .think_least = milliseconds(10), .think_most = milliseconds(10)},
      milliseconds(2000));
  std::size_t in_the_stall = 0;
  for (const Sample& sample : samples_) in_the_stall += sample.due < start + milliseconds(900);
  EXPECT_LT(in_the_stall, 10U);
  EXPECT_GT(samples_.size(), 200U);
}

TEST_F(UserLoopTest, WhoFindsNoConnectionIsLateByOurFault) {
  transport_.most_ = 1;
  transport_.silent_ = true;  // answered when it is looked again, a millisecond later
  run({.users = 20, .think_least = milliseconds(200), .think_most = milliseconds(200)}, seconds(3));
  Duration longest{};
  for (const Sample& sample : samples_) longest = std::max(longest, sample.send_lag());
  EXPECT_GE(longest, milliseconds(15));
  EXPECT_TRUE(windows_[0].marked);
}

TEST_F(UserLoopTest, WhoIsNeverLetThroughIsGivenUpAndThinksAgain) {
  transport_.full_ = true;
  run({.users = 2, .think_least = milliseconds(500), .think_most = milliseconds(500)}, seconds(5));
  ASSERT_GE(samples_.size(), 6U);
  for (const Sample& sample : samples_) {
    EXPECT_EQ(sample.outcome, SampleOutcome::not_sent);
    EXPECT_GE(sample.send_lag(), seconds(1));
  }
  EXPECT_TRUE(transport_.sent_.empty());
}

TEST_F(UserLoopTest, WhoIsNotSpawnedByTheEndHasNotAsked) {
  run({.users = 100, .spawn_rate = 10, .think_least = seconds(5), .think_most = seconds(9)},
      seconds(2));
  EXPECT_EQ(spawned_, 21U);
  EXPECT_EQ(samples_.size(), 21U);
}

TEST_F(UserLoopTest, EndsByItselfWhereARequestCannotBeMade) {
  transport_.cannot_make_ = 30;
  run({.users = 5}, seconds(60));
  EXPECT_EQ(problem_, "no such secret");
  EXPECT_EQ(samples_.size(), 30U);
}

TEST_F(UserLoopTest, EveryAnswerIsThatOfItsUser) {
  transport_.oversleep_ = [](Instant) { return milliseconds(35); };
  transport_.backwards_ = true;
  run({.users = 9, .think_least = milliseconds(50), .think_most = milliseconds(90)}, seconds(2));
  ASSERT_GE(samples_.size(), 100U);
  for (const Sample& sample : samples_) {
    EXPECT_EQ(sample.status, 200 + static_cast<int>(sample.seq % 7));
  }
  EXPECT_EQ(most_seen_, 9U);
}

TEST_F(UserLoopTest, CountsJumpsBetweenTheClocks) {
  bool jumped = false;
  const Instant at = clock_.now_.boot + seconds(2);
  transport_.on_work_ = [&](Instant now) {
    if (now < at || jumped) return;
    jumped = true;
    clock_.now_.utc += milliseconds(200);
  };
  run({.users = 3, .think_least = milliseconds(20), .think_most = milliseconds(20)}, seconds(5));
  EXPECT_EQ(jumps_, 1U);
}

}  // namespace
}  // namespace gameday
