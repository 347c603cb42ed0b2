#include "engine/load/load_run.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds(100)};

Sample sample(SampleOutcome outcome, Duration sent, Duration end, std::int16_t status = 0) {
  return {0, kStart, kStart + sent, kStart + end, outcome, status};
}

TEST(ErrorKindsTest, TellsThemApart) {
  ErrorKinds kinds;
  const auto add = [&](const Sample& s, bool gave_up = false) {
    kinds.add(s, seconds(1), gave_up);
  };
  add(sample(SampleOutcome::ok, {}, milliseconds(1), 200));
  EXPECT_EQ(kinds.all(), 0U);
  add(sample(SampleOutcome::refused, {}, milliseconds(1), 503));
  add(sample(SampleOutcome::refused, {}, milliseconds(1), 503));
  add(sample(SampleOutcome::refused, {}, milliseconds(1), 404));
  add(sample(SampleOutcome::unknown, {}, seconds(1)));
  add(sample(SampleOutcome::unknown, {}, milliseconds(999)));
  add(sample(SampleOutcome::unknown, {}, seconds(3)), true);
  add(sample(SampleOutcome::not_sent, {}, milliseconds(1)));     // refused
  add(sample(SampleOutcome::not_sent, seconds(1), seconds(1)));  // we never got to it
  EXPECT_EQ(kinds.by_status, (std::map<int, std::uint64_t>{{404, 1}, {503, 2}}));
  EXPECT_EQ(kinds.timed_out, 1U);
  EXPECT_EQ(kinds.cut, 1U);
  EXPECT_EQ(kinds.given_up, 1U);
  EXPECT_EQ(kinds.connect, 1U);
  EXPECT_EQ(kinds.not_sent, 1U);
  EXPECT_EQ(kinds.all(), 8U);
}

WindowCount window(int number, Duration latency, bool marked = false) {
  WindowCount made;
  made.from = kStart + seconds(number);
  made.due = made.sent = made.ok = 10;
  for (int i = 0; i < 10; ++i) {
    made.response.add(latency);
    made.service.add(latency);
    made.send_lag.add(marked ? milliseconds(50) : Duration::zero());
  }
  made.p99_s = gameday::seconds(latency);
  made.marked = marked;
  return made;
}

LoadRun gathered(std::vector<WindowCount> windows, std::vector<Instant> jumps,
                 std::vector<bool>* settled = nullptr) {
  RunGatherer gatherer(kStart, [&](const RunSecond& second, const Histogram& response) {
    EXPECT_EQ(response.count(), 10U);
    if (settled != nullptr) settled->push_back(second.marked);
  });
  // As they are found out: a jump only a second after it was.
  for (auto& one : windows) {
    std::vector<Instant> known;
    for (const Instant jump : jumps) {
      if (jump < one.from + seconds(1)) known.push_back(jump);
    }
    gatherer.add(std::move(one), known);
  }
  LoadRun run;
  gatherer.finish(run, jumps);
  return run;
}

TEST(RunGathererTest, SecondsThatAreOursAreLeftOutOfTheLatenciesAlone) {
  std::vector<bool> settled;
  const LoadRun run = gathered(
      {window(0, milliseconds(1)), window(1, milliseconds(90), true), window(2, milliseconds(2))},
      {}, &settled);
  EXPECT_EQ(settled, (std::vector<bool>{false, true, false}));
  EXPECT_EQ(run.due, 30U);
  EXPECT_EQ(run.ok, 30U);
  EXPECT_EQ(run.marked, 1U);
  EXPECT_EQ(run.response.count(), 20U);
  EXPECT_EQ(run.response.max(), milliseconds(2));
  EXPECT_EQ(run.service.count(), 20U);
  EXPECT_EQ(run.send_lag.count(), 30U);
  EXPECT_EQ(run.send_lag.max(), milliseconds(50));
  ASSERT_EQ(run.seconds.size(), 3U);
  EXPECT_EQ(run.seconds[1].max_s, 0.09);
  EXPECT_EQ(run.seconds[2].from_s, 2);
}

TEST(RunGathererTest, AJumpOfTheClockMarksItsSecondAndTheOneBefore) {
  std::vector<WindowCount> windows;
  for (int i = 0; i < 6; ++i) windows.push_back(window(i, milliseconds(1)));
  std::vector<bool> settled;
  const LoadRun run = gathered(windows, {kStart + milliseconds(3200)}, &settled);
  EXPECT_EQ(settled, (std::vector<bool>{false, false, true, true, false, false}));
  EXPECT_EQ(run.clock_jumps, 1U);
  EXPECT_EQ(run.marked, 2U);
}

LoadRun open_run(std::uint64_t planned, std::uint64_t due, std::uint64_t late) {
  LoadRun run;
  run.length = seconds(1);
  run.planned = planned;
  run.due = run.sent = run.ok = due;
  run.late = late;
  run.seconds.resize(1);
  return run;
}

TEST(LoadRunTest, ItsSummaryIsThatOfADrillsLoadAndJudgedByTheSameRule) {
  LoadRun run = open_run(100, 100, 5);
  run.response.add(milliseconds(3));
  run.carried.by = {"epoll", "why"};
  const LoadSummary summary = run.summary("load");
  ASSERT_NE(summary.phase("steady"), nullptr);
  const PhaseSummary& phase = *summary.phase("steady");
  EXPECT_TRUE(phase.valid);
  EXPECT_EQ(phase.rate, 100);
  EXPECT_EQ(phase.latency_s.max, 0.003);
  EXPECT_EQ(summary.carried->transport, "epoll");
  EXPECT_FALSE(open_run(100, 100, 6).summary("load").phases[0].valid);
}

TEST(LoadRunTest, WhatNeverCameToBeDueIsLateAndAnError) {
  const auto phase = open_run(100, 94, 0).summary("load").phases[0];
  EXPECT_EQ(phase.due, 100U);
  EXPECT_EQ(phase.errors, 6U);
  EXPECT_EQ(phase.late, 6U);
  EXPECT_FALSE(phase.valid);
}

}  // namespace
}  // namespace gameday
