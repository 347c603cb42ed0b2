#include "engine/load/closed_loop.h"

#include <gtest/gtest.h>

#include "tests/engine/load/made_transport.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ClosedLoopTest : public testing::Test {
 protected:
  // Until `length` has passed on the made clock.
  void run(Duration length) {
    const Instant start = clock_.now_.boot;
    Recorder recorder({start, 1000, nullptr, nullptr,
                       [this](const WindowCount& window) { windows_.push_back(window); }});
    ClosedLoop loop(seconds(1), pattern_, transport_, recorder, clock_);
    transport_.on_work_ = [&](Instant now) {
      most_seen_ = std::max(most_seen_, transport_.waiting_before_);
      if (now >= start + length) loop.end();
    };
    loop.run();
    problem_ = loop.problem();
    sent_ = loop.sent();
    samples_ = recorder.take_samples();
  }

  SetClock clock_;
  MadeTransport transport_{clock_};
  Secrets secrets_;
  RequestPattern pattern_{{}, "01J", "checkout", 7, secrets_};
  std::vector<WindowCount> windows_;
  std::vector<Sample> samples_;
  std::string problem_;
  std::size_t most_seen_ = 0;
  std::uint64_t sent_ = 0;
};

TEST_F(ClosedLoopTest, SendsTheNextOneWhenOneIsAnswered) {
  transport_.most_ = 8;
  run(milliseconds(2500));
  EXPECT_EQ(most_seen_, 8U);
  EXPECT_EQ(sent_, 8U * 2500);  // each is answered after a millisecond
  ASSERT_EQ(samples_.size(), sent_);
  for (const Sample& sample : samples_) EXPECT_EQ(sample.latency(), milliseconds(1));
  ASSERT_EQ(windows_.size(), 3U);
  EXPECT_EQ(windows_[0].ok, 8000U);
}

TEST_F(ClosedLoopTest, EndsByItselfWhereARequestCannotBeMade) {
  transport_.most_ = 4;
  transport_.cannot_make_ = 100;
  run(seconds(60));
  EXPECT_EQ(problem_, "no such secret");
  EXPECT_EQ(samples_.size(), 100U);
}

}  // namespace
}  // namespace gameday
