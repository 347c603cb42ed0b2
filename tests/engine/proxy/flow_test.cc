// One direction on its own, in a time that the test makes.
#include "engine/proxy/flow.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class FlowTest : public testing::Test {
 protected:
  struct Ends {
    Descriptor ours, theirs;
    Ends() {
      int both[2] = {-1, -1};
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both), 0);
      ours = Descriptor(both[0]);
      theirs = Descriptor(both[1]);
    }
  };

  void say(const std::string& bytes) {
    ASSERT_EQ(::send(sender_.ours.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // What has arrived once the flow was advanced at that moment.
  std::string at(Duration moment) {
    flow_.advance(sender_.theirs.get(), receiver_.ours.get(),
                  {shape_, room_, start_ + moment, pace_}, passed_);
    return arrived();
  }
  std::string arrived() const {
    std::string bytes(1 << 20, '\0');
    const ssize_t got = recv(receiver_.theirs.get(), bytes.data(), bytes.size(), 0);
    if (got == 0) return "the end";
    return bytes.substr(0, static_cast<std::size_t>(got > 0 ? got : 0));
  }
  Duration wake() const { return flow_.wake() ? *flow_.wake() - start_ : Duration(-1); }

  Shape shape_;
  std::size_t room_ = 64 << 10;
  Pace pace_;
  Flow flow_{7};
  Ends sender_, receiver_;
  const Instant start_{1000s};
  std::uint64_t passed_ = 0;
};

TEST_F(FlowTest, PlainPassesAtOnceAndHoldsNothing) {
  say("a");
  EXPECT_EQ(at(0ms), "a");
  EXPECT_EQ(flow_.holds(), 0u);
  EXPECT_FALSE(flow_.wake());
  EXPECT_TRUE(flow_.wants_to_read());
  EXPECT_FALSE(flow_.wants_to_write());
}

TEST_F(FlowTest, DelayPassesEachChunkSoMuchLaterInItsOrder) {
  shape_.latency = 100ms;
  say("a");
  EXPECT_EQ(at(0ms), "");
  say("b");
  EXPECT_EQ(at(30ms), "");
  EXPECT_EQ(wake(), 100ms);
  EXPECT_EQ(at(99ms), "");
  EXPECT_EQ(at(100ms), "a");
  EXPECT_EQ(wake(), 130ms);
  EXPECT_EQ(at(130ms), "b");
  EXPECT_EQ(passed_, 2u);
}

// As on a line: it comes again 200 ms later, or 400 ms after that, or 800 ms after that.
TEST_F(FlowTest, WhatIsLostComesAgainAndWhatWasSentBehindItWaits) {
  shape_.loss = 0.25;
  Duration now = 0ms;
  int late = 0, twice = 0;
  constexpr int kChunks = 400;
  for (int i = 0; i < kChunks; ++i) {
    say("a");
    const Duration sent = now;
    if (at(now) == "a") continue;
    ++late;
    EXPECT_TRUE(wake() - sent == 200ms || wake() - sent == 600ms || wake() - sent == 1400ms)
        << (wake() - sent).count();
    if (wake() - sent > 200ms) ++twice;
    now = wake();
    say("b");
    EXPECT_EQ(at(now - 1ms), "") << "no sooner, and nothing overtakes it";
    EXPECT_EQ(at(now).substr(0, 1), "a");
    while (wake() > now) now = wake();
    (void)at(now);
    now += 2000ms;
    (void)at(now);
  }
  // Six standard deviations about a quarter, and about a quarter of that.
  EXPECT_GT(late, 48);
  EXPECT_LT(late, 152);
  EXPECT_GT(twice, 3);
  shape_.loss = 0;
  say("c");
  EXPECT_EQ(at(now), "c");
}

TEST_F(FlowTest, WhatWaitsForItsLossGoesOnWhenThatIsUndone) {
  shape_.loss = 0.9;
  say("a");
  Duration now = 0ms;
  while (at(now) == "a") {
    now += 1ms;
    say("a");
  }
  shape_.loss = 0;
  EXPECT_EQ(at(now), "a");
}

TEST_F(FlowTest, TheEndIsDelayedToo) {
  shape_.latency = 100ms;
  say("a");
  shutdown(sender_.ours.get(), SHUT_WR);
  EXPECT_EQ(at(0ms), "");
  EXPECT_EQ(at(50ms), "");
  EXPECT_FALSE(flow_.ended());
  EXPECT_EQ(at(100ms), "a");
  EXPECT_TRUE(flow_.ended());
  EXPECT_EQ(arrived(), "the end");
}

TEST_F(FlowTest, WhatWasDelayedPassesAtOnceWhenTheDelayIsGone) {
  shape_.latency = 1h;
  say("a");
  EXPECT_EQ(at(0ms), "");
  shape_ = {};
  say("b");
  EXPECT_EQ(at(1ms), "ab");
}

TEST_F(FlowTest, WhatIsOnItsWayIsNotOvertakenWhenADelayBegins) {
  room_ = 1;
  shape_.rate = 1000;
  say(std::string(100, 'a'));
  EXPECT_EQ(at(0ms), std::string(40, 'a')) << "and what a late timer would lose";
  shape_ = {};
  shape_.latency = 10ms;
  say("b");
  EXPECT_EQ(at(50ms), std::string(60, 'a'));
  EXPECT_EQ(at(60ms), "b");
}

// The moments at which ten chunks, sent every 10 ms, arrive.
std::vector<int> moments_of_ten(const std::function<void(const std::string&)>& say,
                                const std::function<std::string(Duration)>& at) {
  std::vector<int> moments;
  std::string all;
  for (int ms = 0; ms < 300; ++ms) {
    if (ms % 10 == 0 && ms < 100) say(std::string(1, static_cast<char>('a' + ms / 10)));
    const std::string got = at(std::chrono::milliseconds(ms));
    all += got;
    for (std::size_t i = 0; i < got.size(); ++i) moments.push_back(ms);
  }
  EXPECT_EQ(all, "abcdefghij");
  return moments;
}

TEST_F(FlowTest, JitterComesFromTheSeedAndKeepsTheOrder) {
  shape_.latency = 50ms;
  shape_.jitter = 40ms;
  const auto say_it = [this](const std::string& bytes) { say(bytes); };
  const auto at_it = [this](Duration moment) { return at(moment); };
  const auto first = moments_of_ten(say_it, at_it);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_GE(first[i], static_cast<int>(i) * 10 + 50);
    EXPECT_LE(first[i], static_cast<int>(i) * 10 + 50 + 40 + 1);
  }
  flow_ = Flow(7);
  EXPECT_EQ(moments_of_ten(say_it, at_it), first);
  flow_ = Flow(8);
  EXPECT_NE(moments_of_ten(say_it, at_it), first);
}

TEST_F(FlowTest, LimitIsEven) {
  shape_.rate = 10000;
  say(std::string(5000, 'x'));
  std::size_t so_far = 0;
  for (int ms = 0; ms <= 600; ++ms) {
    so_far += at(std::chrono::milliseconds(ms)).size();
    const double due = 10.0 * ms;
    EXPECT_LE(static_cast<double>(so_far), due + 400) << "at " << ms;
    EXPECT_GE(static_cast<double>(so_far), std::min(due, 5000.0) - 200) << "at " << ms;
  }
  EXPECT_EQ(so_far, 5000u);
}

TEST_F(FlowTest, WhatARateDidNotUseIsNotSavedUp) {
  shape_.rate = 10000;
  say("x");
  EXPECT_EQ(at(0ms), "x");
  say(std::string(5000, 'x'));
  EXPECT_LE(at(10s).size(), 400u);
}

TEST_F(FlowTest, SlicePassesPiecesWithAPauseBetween) {
  shape_.piece = 3;
  shape_.pause = 10ms;
  say("abcdefgh");
  EXPECT_EQ(at(0ms), "abc");
  EXPECT_EQ(wake(), 10ms);
  EXPECT_EQ(at(9ms), "");
  EXPECT_EQ(at(10ms), "def");
  EXPECT_EQ(at(25ms), "gh");
}

TEST_F(FlowTest, WhatIsFullIsNotReadAnyFurther) {
  shape_.latency = 1h;
  const std::string block(16 << 10, 'x');
  for (int i = 0; i < 100; ++i) {
    (void)::send(sender_.ours.get(), block.data(), block.size(), MSG_NOSIGNAL);
    EXPECT_EQ(at(0ms), "");
  }
  EXPECT_FALSE(flow_.wants_to_read());
  EXPECT_GE(flow_.holds(), room_);
  EXPECT_LE(flow_.holds(), 2 * room_ + 256);
}

TEST_F(FlowTest, ManySmallChunksCountWithWhatTheyCost) {
  shape_.latency = 1h;
  for (int i = 0; i < 2000; ++i) {
    (void)::send(sender_.ours.get(), "x", 1, MSG_NOSIGNAL);
    EXPECT_EQ(at(0ms), "");
  }
  EXPECT_FALSE(flow_.wants_to_read());
}

TEST_F(FlowTest, WhoeverBreaksOffDoesSoAfterWhatItSent) {
  shape_.latency = 100ms;
  say("a");
  shutdown(sender_.ours.get(), SHUT_WR);
  flow_.sender_broke();
  EXPECT_EQ(at(0ms), "");
  EXPECT_FALSE(flow_.broken());
  EXPECT_EQ(at(100ms), "a");
  EXPECT_TRUE(flow_.broken());
}

TEST_F(FlowTest, AReceiverThatBreaksOffEndsIt) {
  shape_.latency = 100ms;
  say("a");
  EXPECT_EQ(at(0ms), "");
  receiver_.theirs.reset();
  flow_.advance(sender_.theirs.get(), receiver_.ours.get(), {shape_, room_, start_ + 1s, pace_},
                passed_);
  EXPECT_TRUE(flow_.lost());
  EXPECT_EQ(flow_.holds(), 0u);
  EXPECT_FALSE(flow_.wants_to_read());
  EXPECT_FALSE(flow_.wants_to_write());
}

TEST(PaceTest, TurnsAreSharedInTheOrderOfTheirBooking) {
  Pace pace;
  const Instant now{1000s};
  const Instant first = pace.book(100, 1000, now);
  EXPECT_LE(first, now);
  EXPECT_EQ(pace.book(100, 1000, now), first + 100ms);
  EXPECT_EQ(pace.book(100, 1000, now), first + 200ms);
}

}  // namespace
}  // namespace gameday
