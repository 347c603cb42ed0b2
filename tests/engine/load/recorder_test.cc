#include "engine/load/recorder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

double resident_mib() {
  std::ifstream numbers("/proc/self/statm");
  double all = 0, resident = 0;
  numbers >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

Sample sample_at(Instant due, std::uint64_t seq, Duration took) {
  Sample sample;
  sample.seq = seq;
  sample.due = sample.sent = due;
  sample.end = due + took;
  sample.outcome = SampleOutcome::ok;
  return sample;
}

TEST(Recorder, ADayOfWindowsTakesNoMoreThanAnHour) {
  RecorderTerms terms;
  terms.rate = 10;
  terms.keeps_samples = false;
  std::uint64_t windows = 0, counted = 0;
  Histogram all;
  terms.each_window = [&](const WindowCount& window) {
    ++windows;
    counted += window.response.count();
    all += window.response;
  };
  Recorder recorder(std::move(terms));
  constexpr int kDay = 24 * 3600;
  [[maybe_unused]] const double before = resident_mib();
  std::uint64_t seq = 0;
  for (int second = 0; second < kDay; ++second) {
    for (int i = 0; i < 10; ++i, ++seq) {
      const Instant due = Instant(seconds(second) + milliseconds(100 * i));
      recorder.due(due);
      // From microseconds to seconds, so that a histogram is as long as it gets.
      const Duration took = std::chrono::microseconds(1 << (seq % 22));
      ASSERT_TRUE(recorder.ended(sample_at(due, seq, took)));
    }
    recorder.settle(Instant(seconds(second + 1)));
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what was freed
  EXPECT_LT(resident_mib() - before, 64);
#endif
  EXPECT_EQ(windows, static_cast<std::uint64_t>(kDay));
  EXPECT_EQ(counted, seq);
  EXPECT_EQ(all.count(), seq);
  EXPECT_TRUE(recorder.take_samples().empty());
}

TEST(Recorder, KeepsSamplesInTheOrderInWhichTheyWereDue) {
  RecorderTerms terms;
  terms.rate = 10;
  Recorder recorder(std::move(terms));
  for (const std::uint64_t seq : {2U, 0U, 1U}) {
    const Instant due = Instant(milliseconds(100 * seq));
    recorder.due(due);
    ASSERT_TRUE(recorder.ended(sample_at(due, seq, milliseconds(1))));
  }
  const auto samples = recorder.take_samples();
  ASSERT_EQ(samples.size(), 3U);
  for (std::uint64_t seq = 0; seq < 3; ++seq) EXPECT_EQ(samples[seq].seq, seq);
}

// 4 ms late are marked where it is a thousand a second, and not where it is ten.
TEST(Recorder, MarksAWindowByTheRateThatWasThen) {
  std::vector<bool> marked;
  RecorderTerms terms;
  terms.rate = RateCurve({{.from = 10, .to = 10, .length = milliseconds(1500)},
                          {.from = 1000, .to = 1000, .length = milliseconds(200)},
                          {.from = 10, .to = 10, .length = seconds(1)}});
  terms.each_window = [&](const WindowCount& window) { marked.push_back(window.marked); };
  Recorder recorder(std::move(terms));
  for (std::uint64_t seq = 0; seq < 30; ++seq) {
    Sample sample = sample_at(Instant(milliseconds(100 * seq)), seq, milliseconds(9));
    sample.sent += milliseconds(4);
    recorder.due(sample.due);
    ASSERT_TRUE(recorder.ended(sample));
  }
  recorder.settle_all();
  EXPECT_EQ(marked, (std::vector<bool>{false, true, false}));
}

// One user may be answered before another one asks, and be seen to be only afterwards.
TEST(Recorder, KeepsThemSoWhereTheyWereSentInAnotherOrder) {
  RecorderTerms terms;
  terms.rate = 10;
  Recorder recorder(std::move(terms));
  for (const auto& [seq, due_ms] : {std::pair{0U, 0}, {1U, 200}, {2U, 100}, {3U, 200}}) {
    const Instant due = Instant(milliseconds(due_ms));
    recorder.due(due);
    ASSERT_TRUE(recorder.ended(sample_at(due, seq, milliseconds(1))));
  }
  std::vector<std::uint64_t> order;
  for (const Sample& sample : recorder.take_samples()) order.push_back(sample.seq);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{0, 2, 1, 3}));
}

}  // namespace
}  // namespace gameday
