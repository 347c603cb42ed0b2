// Loads by themselves against a real server.
#include "engine/load/bare_load.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/load/scheduler.h"
#include "tests/engine/load/order_server.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class BareLoadTest : public testing::Test {
 protected:
  BareTerms open_terms(double rate, Duration length) const {
    BareTerms terms;
    terms.request.method = "PUT";
    terms.request.url = server_.url() + "/orders/{seq}";
    terms.request.body = "{}";
    terms.rate = rate;
    terms.length = length;
    return terms;
  }
  BareTerms closed_terms(std::size_t connections) const {
    BareTerms terms = open_terms(0, {});
    terms.connections = connections;
    return terms;
  }
  LoadRun ran(const BareTerms& terms, std::function<bool()> stop = {}) {
    auto run = run_bare_load(terms, clock_, secrets_, {std::move(stop), {}, {}});
    EXPECT_TRUE(run) << run.error().text;
    return std::move(*run);
  }
  static void expect_the_sum_is_right(const LoadRun& run) {
    EXPECT_EQ(run.errors.all(), run.planned.value_or(run.due) - run.ok);
  }

  OrderServer server_;
  SystemClock clock_;
  Secrets secrets_;
};

TEST_F(BareLoadTest, AnOpenOneAsksExactlyWhatItsRateAndLengthSay) {
  const LoadRun run = ran(open_terms(50, milliseconds(2000)));
  EXPECT_EQ(run.planned, 100U);
  EXPECT_EQ(run.due, 100U);
  EXPECT_EQ(server_.count(), run.sent);
  EXPECT_EQ(run.length, seconds(2));
  EXPECT_EQ(run.seconds.size(), 2U);
  EXPECT_EQ(run.problem, "");
  EXPECT_FALSE(run.stopped);
  EXPECT_GT(run.carried.cpu, Duration::zero());
  EXPECT_NE(run.carried.by.name, "");
  expect_the_sum_is_right(run);
}

TEST_F(BareLoadTest, PoissonArrivalsAreAsManyAsChanceHasThem) {
  BareTerms terms = open_terms(50, milliseconds(1500));
  terms.arrivals = Arrivals::poisson;
  const LoadRun run = ran(terms);
  std::uint64_t due = 0;
  Scheduler scheduler({50, Arrivals::poisson, 1, {}});
  while (scheduler.due() < Instant(milliseconds(1500))) {
    ++due;
    scheduler.advance();
  }
  // One may be due while the end is being told.
  EXPECT_NEAR(static_cast<double>(run.due), static_cast<double>(due), 3);
  EXPECT_EQ(run.planned, run.due);
  expect_the_sum_is_right(run);
}

TEST_F(BareLoadTest, AClosedOneKeepsItsConnectionsBusyForItsTime) {
  server_.behave(Manner::slow);
  BareTerms terms = closed_terms(5);
  terms.length = milliseconds(1000);
  const LoadRun run = ran(terms);
  EXPECT_TRUE(run.closed);
  EXPECT_FALSE(run.planned);
  // Each takes 300 ms: four to a connection, the last one begun before the end.
  EXPECT_GE(run.ok, 10U);
  EXPECT_LE(run.ok, 20U);
  EXPECT_EQ(run.ok, run.due);
  EXPECT_GE(run.service.quantile(0.5), milliseconds(290));
}

TEST_F(BareLoadTest, AClosedOneOfSoManyRequestsSendsJustThese) {
  BareTerms terms = closed_terms(7);
  terms.most = 100;
  const LoadRun run = ran(terms);
  EXPECT_EQ(run.planned, 100U);
  EXPECT_EQ(run.ok, 100U);
  EXPECT_EQ(server_.count(), 100U);
  EXPECT_EQ(run.problem, "");
  EXPECT_GT(run.length, Duration::zero());
}

TEST_F(BareLoadTest, EveryErrorIsTold) {
  server_.unavailable_for(10);
  const LoadRun run = ran(open_terms(40, seconds(1)));
  EXPECT_EQ(run.errors.by_status, (std::map<int, std::uint64_t>{{503, 10}}));
  expect_the_sum_is_right(run);
  server_.behave(Manner::silent);
  BareTerms terms = open_terms(20, milliseconds(500));
  terms.timeout = milliseconds(200);
  const LoadRun silent = ran(terms);
  EXPECT_EQ(silent.errors.timed_out, 10U);
  EXPECT_EQ(silent.ok, 0U);
  server_.behave(Manner::reset);
  EXPECT_EQ(ran(open_terms(20, milliseconds(500))).errors.cut, 10U);
}

TEST_F(BareLoadTest, WithoutAServerThereIsNoConnection) {
  BareTerms terms = open_terms(20, milliseconds(500));
  terms.request.url = "http://127.0.0.1:1/";
  const LoadRun run = ran(terms);
  EXPECT_EQ(run.errors.connect, 10U);
  EXPECT_EQ(run.ok, 0U);
}

// However slowly the server answers, and however long it may take to.
TEST_F(BareLoadTest, AStopEndsItWithinASecondWithWhatWasMeasured) {
  for (const bool closed : {false, true}) {
    server_.behave(Manner::answer);
    BareTerms terms = closed ? closed_terms(4) : open_terms(50, seconds(60));
    terms.length = seconds(60);
    terms.timeout = seconds(30);
    const Instant start = clock_.now().boot;
    std::optional<Instant> stopped;
    const LoadRun run = ran(terms, [&] {
      const Instant now = clock_.now().boot;
      if (now > start + milliseconds(400)) server_.behave(Manner::silent);
      if (now < start + milliseconds(1200)) return false;
      if (!stopped) stopped = now;
      return true;
    });
    EXPECT_LT(clock_.now().boot - *stopped, milliseconds(1500));  // half a second, and room
    EXPECT_TRUE(run.stopped);
    EXPECT_GT(run.ok, 0U);
    EXPECT_GT(run.errors.given_up, 0U);
    EXPECT_EQ(run.problem, "");
    EXPECT_LT(run.length, seconds(5));
    expect_the_sum_is_right(run);
  }
}

// Nobody has a connection for it: that it was sent late, and timed out then, is ours.
TEST_F(BareLoadTest, WhatWeCannotSendInTimeIsOurs) {
  server_.behave(Manner::slow);
  BareTerms terms = open_terms(50, seconds(1));
  terms.connections = 1;
  terms.timeout = milliseconds(500);
  const LoadRun run = ran(terms);
  EXPECT_EQ(run.planned, 50U);
  EXPECT_EQ(run.due, 50U);
  EXPECT_GT(run.errors.timed_out, 20U);
  EXPECT_GT(run.late, 25U);
  EXPECT_GT(run.marked, 0U);
  EXPECT_FALSE(run.summary("load").phases[0].valid);
  expect_the_sum_is_right(run);
}

TEST_F(BareLoadTest, WhatCannotBeMadeIsNotBegun) {
  BareTerms terms = open_terms(50, seconds(1));
  terms.request.headers = {{"x", "${env:GAMEDAY_NO_SUCH_SECRET}"}};
  const auto run = run_bare_load(terms, clock_, secrets_, {});
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().text.contains("GAMEDAY_NO_SUCH_SECRET")) << run.error().text;
  EXPECT_EQ(server_.count(), 0U);
}

TEST(DueWithin, CountsAsTheSchedulerDoes) {
  for (const double rate : {0.3, 1.0, 3.0, 7.0, 49.9, 333.0, 1000.0, 9999.0}) {
    for (const Duration length : {Duration(milliseconds(1)), Duration(milliseconds(999)),
                                  Duration(seconds(3)), Duration(seconds(10))}) {
      std::uint64_t due = 0;
      Scheduler scheduler({rate, Arrivals::constant, 0, {}});
      while (scheduler.due() < Instant(length)) {
        ++due;
        scheduler.advance();
      }
      EXPECT_EQ(due_within(rate, length), due) << rate << " " << length.count();
    }
  }
}

}  // namespace
}  // namespace gameday
