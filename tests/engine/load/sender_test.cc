// The sender against a transport and a clock that are made up, so that it can be starved exactly.
#include "engine/load/sender.h"

#include <gtest/gtest.h>

#include "engine/load/summary.h"
#include "tests/engine/load/made_transport.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SenderTest : public testing::Test {
 protected:
  // Runs until `length` has passed on the made clock.
  void run(const RateCurve& rate, Duration length, SendLimits limits = {}) {
    const Instant start = clock_.now_.boot;
    Recorder recorder(
        {start, rate, nullptr, nullptr, [this](const WindowCount& w) { windows_.push_back(w); }});
    Sender sender({.rate = rate, .start = start}, seconds(1), pattern_, transport_, recorder,
                  clock_, std::move(limits));
    const auto before = transport_.on_work_;
    transport_.on_work_ = [&](Instant now) {
      if (before) before(now);
      if (now >= start + length) sender.end();
    };
    sender.run();
    samples_ = recorder.take_samples();
    problem_ = sender.problem();
    jumps_ = sender.clock_jumps().size();
  }

  SetClock clock_;
  MadeTransport transport_{clock_};
  Secrets secrets_;
  RequestPattern pattern_{{}, "01J", "checkout", 7, secrets_};
  std::vector<WindowCount> windows_;
  std::vector<Sample> samples_;
  std::string problem_;
  std::size_t jumps_ = 0;
};

TEST_F(SenderTest, SendsEachRequestWhenItIsDue) {
  run(100, seconds(3));
  ASSERT_EQ(samples_.size(), 301U);
  for (const Sample& s : samples_) EXPECT_EQ(s.send_lag(), Duration::zero());
  for (const auto& window : windows_) EXPECT_FALSE(window.marked);
  EXPECT_EQ(windows_.size(), 4U);
}

// Five at a time at 20,000/s, each at most a quarter of a millisecond late; all of it in the lag.
TEST_F(SenderTest, AboveTenThousandASecondItSendsInTicks) {
  transport_.silent_ = true;
  std::size_t works = 0;
  transport_.on_work_ = [&](Instant) { ++works; };
  run(20000, milliseconds(500));
  ASSERT_GE(samples_.size(), 10000U);
  EXPECT_LT(works, 2500U);
  for (const Sample& s : samples_) EXPECT_LE(s.send_lag(), std::chrono::microseconds(250));
  for (const auto& window : windows_) EXPECT_FALSE(window.marked);
}

TEST_F(SenderTest, UpToTenThousandASecondEachHasItsOwnInstant) {
  run(5000, milliseconds(500));
  ASSERT_GE(samples_.size(), 2500U);
  for (const Sample& s : samples_) EXPECT_EQ(s.send_lag(), Duration::zero());
}

// The same load is exact before its peak, and goes in ticks while it is there.
TEST_F(SenderTest, TicksComeAndGoWithTheRate) {
  transport_.silent_ = true;
  const Instant start = clock_.now_.boot;
  std::size_t works_before = 0, works_at_peak = 0;
  transport_.on_work_ = [&](Instant now) {
    ++(now < start + milliseconds(500) ? works_before : works_at_peak);
  };
  run(RateCurve({{.from = 1000, .to = 1000, .length = milliseconds(500)},
                 {.from = 20000, .to = 20000, .length = milliseconds(500)}}),
      milliseconds(999));
  ASSERT_GE(samples_.size(), 10400U);
  EXPECT_GE(works_before, 499U);
  EXPECT_LT(works_at_peak, 2500U);
  for (const Sample& s : samples_) {
    EXPECT_LE(s.send_lag(),
              s.due < start + milliseconds(500) ? Duration{} : std::chrono::microseconds(250));
  }
}

TEST_F(SenderTest, AWindowInWhichItWasStarvedIsMarkedAndOnlyThat) {
  const Instant start = clock_.now_.boot;
  transport_.oversleep_ = [&](Instant now) -> Duration {
    const bool third = now >= start + milliseconds(2300) && now < start + milliseconds(2310);
    return third ? milliseconds(80) : Duration::zero();
  };
  run(100, seconds(5));
  ASSERT_GE(windows_.size(), 5U);
  for (std::size_t i = 0; i < windows_.size(); ++i) EXPECT_EQ(windows_[i].marked, i == 2) << i;
  const auto summary = summarise("checkout", samples_, seconds(1), {},
                                 {.first_step = start, .end = clock_.now_.boot, .started = start});
  EXPECT_EQ(summary.phases[0].marked, 1U);
  EXPECT_FALSE(summary.phases[0].valid);  // 1 of 6 windows is over 5 %
}

TEST_F(SenderTest, LatencyCountsFromTheDueTimeThoughItWasSentLate) {
  transport_.oversleep_ = [](Instant) { return milliseconds(40); };
  run(100, seconds(1));
  Duration longest{};
  for (const Sample& s : samples_) longest = std::max(longest, s.latency());
  EXPECT_GE(longest, milliseconds(70));
}

TEST_F(SenderTest, WhatFindsNoConnectionIsGivenUpAtItsTimeoutAsOurLateness) {
  transport_.full_ = true;
  run(10, seconds(3));
  ASSERT_GE(samples_.size(), 20U);
  for (const Sample& s : samples_) {
    EXPECT_EQ(s.outcome, SampleOutcome::not_sent);
    EXPECT_EQ(s.sent, s.end);
    EXPECT_GE(s.latency(), seconds(1));
  }
  EXPECT_TRUE(transport_.sent_.empty());
}

TEST_F(SenderTest, NothingIsSentThatIsNotDurable) {
  SendLimits limits;
  limits.durable = [] { return std::uint64_t{5}; };
  run(100, seconds(2), limits);
  EXPECT_EQ(transport_.sent_, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
}

TEST_F(SenderTest, EndsByItselfWhenTheLedgerHasAProblem) {
  SendLimits limits;
  limits.problem = [this] {
    return std::string(clock_.now_.boot > Instant(seconds(101)) ? "no space" : "");
  };
  run(100, seconds(60), limits);
  EXPECT_EQ(problem_, "no space");
  EXPECT_LT(samples_.size(), 110U);
}

TEST_F(SenderTest, EndsByItselfAtTheMostRequests) {
  SendLimits limits;
  limits.most = 50;
  run(100, seconds(60), limits);
  EXPECT_EQ(samples_.size(), 50U);
  EXPECT_EQ(problem_, "limits.writes reached: 50");
}

TEST_F(SenderTest, EndsByItselfWhereARequestCannotBeMade) {
  transport_.cannot_make_ = 7;
  run(100, seconds(60));
  EXPECT_EQ(samples_.size(), 7U);
  EXPECT_EQ(problem_, "no such secret");
}

// Answered in another order than sent, each sample is that of its own request.
TEST_F(SenderTest, EveryAnswerIsThatOfItsRequest) {
  transport_.oversleep_ = [](Instant) { return milliseconds(35); };
  transport_.backwards_ = true;
  run(100, seconds(1));
  ASSERT_GE(samples_.size(), 100U);
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    EXPECT_EQ(samples_[i].seq, i);
    EXPECT_EQ(samples_[i].status, 200 + static_cast<int>(i % 7));
  }
}

TEST_F(SenderTest, CountsJumpsBetweenTheClocks) {
  run(100, seconds(4));
  EXPECT_EQ(jumps_, 0U);
  bool jumped = false;
  const Instant at = clock_.now_.boot + seconds(2);
  transport_.on_work_ = [&](Instant now) {
    if (now < at || jumped) return;
    jumped = true;
    clock_.now_.utc += milliseconds(200);
  };
  run(100, seconds(5));
  EXPECT_EQ(jumps_, 1U);
  const Instant later = clock_.now_.boot + seconds(2);
  jumped = false;
  transport_.on_work_ = [&](Instant now) {
    if (now < later || jumped) return;
    jumped = true;
    clock_.now_.utc += milliseconds(200);
  };
  SendLimits limits;
  limits.apart = milliseconds(300);  // of what is judged, 200 ms are no matter
  run(100, seconds(5), limits);
  EXPECT_EQ(jumps_, 0U);
}

}  // namespace
}  // namespace gameday
