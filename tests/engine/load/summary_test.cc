#include "engine/load/summary.h"

#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "tests/engine/load/made_samples.h"

namespace gameday {
namespace {

using made::at;
using made::fault;
using made::good;
using made::run;
using std::chrono::milliseconds;
using std::chrono::seconds;

LoadSummary summed(const std::vector<Sample>& samples, const std::vector<FaultSpan>& faults = {},
                   double first_step = 0, double end = 1000) {
  return summarise("checkout", samples, seconds(5), faults,
                   {.first_step = at(first_step), .end = at(end)});
}

TEST(Summary, WithoutFaultsEverythingFromTheFirstStepIsSteady) {
  const auto summary = summed(run(0, 20), {}, 5, 20);
  ASSERT_EQ(summary.phases.size(), 1U);
  const PhaseSummary& steady = summary.phases[0];
  EXPECT_EQ(steady.phase, "steady");
  EXPECT_EQ(steady.due, 150U);
  EXPECT_EQ(steady.sent, 150U);
  EXPECT_EQ(steady.ok, 150U);
  EXPECT_EQ(steady.errors, 0U);
  EXPECT_DOUBLE_EQ(steady.rate, 10.0);
  EXPECT_EQ(steady.windows, 15U);
  EXPECT_TRUE(steady.valid);
  EXPECT_NEAR(steady.latency_s.p50, 0.01, 1e-9);
}

TEST(Summary, RequestsBelongToTheNewestFaultOpen) {
  // outer is open in [2, 10), inner in [4, 6).
  const auto summary = summed(run(0, 20), {fault("outer", 2, 10), fault("inner", 4, 6)}, 0, 20);
  ASSERT_EQ(summary.phases.size(), 3U);
  EXPECT_EQ(summary.phase("steady")->due, 20U + 100U);
  EXPECT_EQ(summary.phase("outer")->due, 20U + 40U);
  EXPECT_EQ(summary.phase("inner")->due, 20U);
  EXPECT_DOUBLE_EQ(summary.phase("inner")->rate, 10.0);
  EXPECT_EQ(summary.phases[1].phase, "outer");
  EXPECT_EQ(summary.phase("unknown"), nullptr);
}

TEST(Summary, AnOutageAfterItsFaultBelongsToTheFault) {
  // Injected at 3.0 and gone at 4.0; bad until 5.9, the first sustained good is due at 6.0 and
  // answered at 6.01.
  const auto summary = summed(run(0, 20, 3, 6), {fault("kill", 3, 4)}, 0, 20);
  EXPECT_EQ(summary.phase("kill")->due, 31U);  // 3.0 to 6.0
  EXPECT_EQ(summary.phase("kill")->errors, 30U);
  EXPECT_EQ(summary.phase("steady")->errors, 0U);
  EXPECT_EQ(summary.phase("steady")->due, 200U - 31U);
}

TEST(Summary, AnOutageOfNoFaultIsTheSteadyStateFailing) {
  const auto summary = summed(run(0, 20, 3, 6), {fault("late", 15, 16)}, 0, 20);
  EXPECT_TRUE(summary.outages.at(0).faults.empty());
  EXPECT_EQ(summary.phase("steady")->errors, 30U);
}

TEST(Summary, AFaultWithoutARequestHasNoPhase) {
  const auto summary = summed(run(0, 20), {fault("blink", 3.01, 3.02)}, 0, 20);
  EXPECT_EQ(summary.phase("blink"), nullptr);
  EXPECT_EQ(summary.phase("steady")->due, 200U);
}

TEST(Summary, PhasesAddUpToAllRequestsInTheWindow) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto samples = run(0, 30);
    for (auto& s : samples) {
      if (random.chance(0.05)) s.outcome = SampleOutcome::unknown;
    }
    std::vector<FaultSpan> faults;
    for (int i = 0; i < 4; ++i) {
      const double from = random.unit() * 25;
      faults.push_back(fault("f" + std::to_string(i), from, from + random.unit() * 8));
    }
    const auto summary = summed(samples, faults, 5, 30);
    std::uint64_t due = 0, ok = 0, errors = 0;
    for (const auto& phase : summary.phases) {
      due += phase.due;
      ok += phase.ok;
      errors += phase.errors;
    }
    EXPECT_EQ(due, 250U);
    EXPECT_EQ(ok + errors, 250U);
  }
}

TEST(Summary, SentCountsWhatLeftUs) {
  auto samples = run(0, 10);
  samples[3].outcome = SampleOutcome::not_sent;
  samples[4].outcome = SampleOutcome::unknown;
  const auto steady = summed(samples).phases[0];
  EXPECT_EQ(steady.sent, 99U);
  EXPECT_EQ(steady.errors, 2U);
}

// Delays the sending of every sample due in [from, to) by `lag`.
void lag_behind(std::vector<Sample>& samples, double from, double to, Duration lag) {
  for (auto& s : samples) {
    if (s.due < at(from) || s.due >= at(to)) continue;
    s.sent += lag;
    s.end += lag;
  }
}

TEST(Summary, AMarkedWindowLeavesTheLatencyOnly) {
  auto samples = run(0, 40);
  lag_behind(samples, 7, 8, milliseconds(50));
  const auto steady = summed(samples).phases[0];
  EXPECT_EQ(steady.marked, 1U);
  EXPECT_EQ(steady.due, 400U);
  EXPECT_EQ(steady.ok, 400U);
  EXPECT_NEAR(steady.latency_s.max, 0.01, 1e-9);
  EXPECT_NEAR(steady.send_lag_p99_s, 0.05, 1e-9);
  EXPECT_TRUE(steady.valid);  // 1 of 40 windows
}

TEST(Summary, ALagOfFiveMillisecondsIsNotMarkedBelowAThousandASecond) {
  auto samples = run(0, 40);
  lag_behind(samples, 7, 8, milliseconds(5));
  EXPECT_EQ(summed(samples).phases[0].marked, 0U);
  EXPECT_EQ(summarise("l", samples, seconds(5), {},
                      {.first_step = at(0), .end = at(40), .started = at(0), .rate = 1000})
                .phases[0]
                .marked,
            1U);
}

// 2 ms where it is a thousand a second, 5 ms before and after.
TEST(Summary, AWindowIsMarkedByTheRateThatWasThen) {
  const RateCurve spike({{.from = 10, .to = 10, .length = milliseconds(20'500)},
                         {.from = 1000, .to = 1000, .length = milliseconds(200)},
                         {.from = 10, .to = 10, .length = seconds(1)}});
  for (const int late : {19, 20, 21}) {
    auto samples = run(0, 40);
    lag_behind(samples, late, late + 1, milliseconds(4));
    const auto summary =
        summarise("l", samples, seconds(5), {},
                  {.first_step = at(0), .end = at(40), .started = at(0), .rate = spike});
    EXPECT_EQ(summary.phases[0].marked, late == 20 ? 1U : 0U) << late;
  }
}

// Of users in a closed loop, ten requests a second but for those of a time in which nobody asked.
Duration longest_gap(double silent_from, double silent_to,
                     const std::vector<FaultSpan>& faults = {}, double until = 30) {
  auto samples = run(0, 30);
  std::erase_if(samples, [&](const Sample& sample) {
    return sample.due > at(silent_from) && sample.due < at(silent_to);
  });
  LoadWindow window{.first_step = at(0), .end = at(30), .started = at(0)};
  window.users = UsersRun{50, 49, at(until)};
  const auto summary = summarise("browsing", samples, seconds(5), faults, window);
  EXPECT_EQ(summary.users->users, 50U);
  EXPECT_EQ(summary.users->spawned, 49U);
  return summary.users->longest_gap;
}

TEST(Summary, ATimeInWhichNobodyAskedIsAGapInWhichAnOutageMayLie) {
  EXPECT_EQ(longest_gap(40, 40), milliseconds(110)) << "from one due to the end of the next";
  EXPECT_EQ(longest_gap(12.05, 14.95), milliseconds(3010));
  EXPECT_EQ(longest_gap(12.05, 14.95, {fault("kill", 15, 16)}), milliseconds(3010))
      << "it was still open as the fault began";
  EXPECT_EQ(longest_gap(12.05, 14.95, {fault("kill", 15.2, 16)}), milliseconds(110))
      << "it was over when the fault began";
}

TEST(Summary, TheEndOfTheLoadAndItsStartAreGapsToo) {
  EXPECT_EQ(longest_gap(25.05, 30, {fault("kill", 20, 21)}), milliseconds(5000));
  EXPECT_EQ(longest_gap(40, 40, {}, 33), milliseconds(3100));
  EXPECT_EQ(longest_gap(-1, 4.95), milliseconds(5010));
}

// What took long and was answered well shows no more than that it was answered in the end; one that
// overtook it shows more.
TEST(Summary, AGapEndsWhereTheFirstOfThoseAskedLaterIsAnswered) {
  LoadWindow window{.first_step = at(0), .end = at(30), .started = at(0)};
  window.users = UsersRun{2, 2, at(10.2)};
  const auto gap = [&](const std::vector<Sample>& samples) {
    return summarise("browsing", samples, seconds(5), {}, window).users->longest_gap;
  };
  EXPECT_EQ(gap({good(0), good(1, 8.5), good(10)}), from_seconds(9.5));
  EXPECT_EQ(gap({good(0), good(1, 8.5), good(1.1), good(2), good(10)}), from_seconds(8.001));
}

TEST(Summary, WhatABadRequestShowsIsAnOutageAndNoGap) {
  auto samples = run(0, 30, 10, 20);
  LoadWindow window{.first_step = at(0), .end = at(30), .started = at(0)};
  window.users = UsersRun{50, 50, at(30)};
  const auto summary = summarise("browsing", samples, seconds(5), {}, window);
  EXPECT_EQ(summary.users->longest_gap, milliseconds(110));
  ASSERT_EQ(summary.outages.size(), 1U);
  EXPECT_FALSE(summed(samples).users) << "an open loop";
  EXPECT_TRUE(to_json(summary).get("closed_loop").dump() ==
              R"({"users":50,"spawned":50,"longest_gap_s":0.11})")
      << to_json(summary).dump();
}

TEST(Summary, AJumpOfTheClockMarksItsWindowAndTheOneBefore) {
  LoadWindow window{.first_step = at(0), .end = at(100)};
  const auto undisturbed = summarise("checkout", run(0, 100), seconds(5), {}, window);
  EXPECT_EQ(undisturbed.phases[0].marked, 0U);
  EXPECT_EQ(undisturbed.clock_jumps, 0U);
  window.clock_jumps = {at(30.4)};
  const auto one = summarise("checkout", run(0, 100), seconds(5), {}, window);
  EXPECT_EQ(one.clock_jumps, 1U);
  EXPECT_EQ(one.phases[0].marked, 2U);
  EXPECT_TRUE(one.phases[0].valid);
  window.clock_jumps = {at(30.4), at(40.4), at(50.4)};
  const auto three = summarise("checkout", run(0, 100), seconds(5), {}, window);
  EXPECT_EQ(three.phases[0].marked, 6U);
  EXPECT_FALSE(three.phases[0].valid);
}

TEST(Summary, OverFivePercentOfMarkedWindowsIsNotValid) {
  auto two_of_forty = run(0, 40);
  lag_behind(two_of_forty, 7, 9, milliseconds(50));
  EXPECT_TRUE(summed(two_of_forty).phases[0].valid);
  auto three_of_forty = run(0, 40);
  lag_behind(three_of_forty, 7, 10, milliseconds(50));
  EXPECT_FALSE(summed(three_of_forty).phases[0].valid);
}

TEST(Summary, OverFivePercentSentLateIsNotValid) {
  // 20 of 400 are late, in windows that are few enough; then one more.
  auto samples = run(0, 40);
  lag_behind(samples, 7, 9, milliseconds(101));
  EXPECT_EQ(summed(samples).phases[0].late, 20U);
  EXPECT_TRUE(summed(samples).phases[0].valid);
  samples[0].sent += milliseconds(101);
  EXPECT_FALSE(summed(samples).phases[0].valid);
}

TEST(Summary, AConnectionThatTheSystemRefusesIsNotOurLateness) {
  auto samples = run(0, 40);
  for (auto& s : samples) {
    s.outcome = SampleOutcome::not_sent;
    s.end = s.due + seconds(1);
  }
  const auto steady = summed(samples).phases[0];
  EXPECT_EQ(steady.late, 0U);
  EXPECT_TRUE(steady.valid);
}

TEST(Summary, QuantilesAreThoseOfTheSortedSamples) {
  std::vector<Sample> samples;
  for (int i = 1; i <= 1000; ++i) samples.push_back(good(i * 0.1, ((i * 7) % 1000 + 1) / 1000.0));
  const auto q = summed(samples).phases[0].latency_s;
  EXPECT_NEAR(q.p50, 0.500, 1e-9);
  EXPECT_NEAR(q.p90, 0.900, 1e-9);
  EXPECT_NEAR(q.p99, 0.990, 1e-9);
  EXPECT_NEAR(q.p999, 0.999, 1e-9);
  EXPECT_NEAR(q.max, 1.0, 1e-9);
}

LoadSummary summed_closed(const std::vector<Sample>& samples, const ClosedTerms& closed,
                          double first_step = 0, double end = 10) {
  return summarise("browsing", samples, seconds(5), {},
                   {.first_step = at(first_step), .end = at(end), .closed = closed});
}

// Ten a second that take 10 ms each: of 100 user-seconds in 10 s, 1 is spent waiting.
TEST(Summary, AClosedLoopTellsWhatItHeldBack) {
  const ClosedTerms ten{10, at(0), seconds(1)};
  const auto quick = summed_closed(run(0, 10), ten);
  EXPECT_TRUE(quick.closed);
  EXPECT_NEAR(quick.phases[0].held_back.value_or(-1), 0.01, 1e-9);
  EXPECT_FALSE(summed(run(0, 10)).closed);
  EXPECT_FALSE(summed(run(0, 10)).phases[0].held_back);
  EXPECT_NEAR(*summed_closed(run(0, 10), {1, at(0), seconds(1)}).phases[0].held_back, 0.1, 1e-9);
  // While they come, they are fewer: that time is none of theirs.
  EXPECT_NEAR(*summed_closed(run(0, 10), {10, at(5), seconds(1)}).phases[0].held_back, 0.02, 1e-9);
  EXPECT_NEAR(*summed_closed(run(0, 10), {10, at(5), seconds(1)}, 5).phases[0].held_back, 0.01,
              1e-9);
}

TEST(Summary, WhatAClosedLoopHeldBackIsNotKnownWhereItWaitedInVain) {
  EXPECT_EQ(summed_closed(run(0, 10), {10, std::nullopt, seconds(1)}).phases[0].held_back, 1);
  EXPECT_EQ(summed_closed(run(0, 10), {10, at(20), seconds(1)}).phases[0].held_back, 1);
  EXPECT_EQ(summed_closed(run(0, 10), {10, at(0), milliseconds(10)}).phases[0].held_back, 1)
      << "each of them";
  EXPECT_EQ(summed_closed(run(0, 10), {0.1, at(0), seconds(1)}).phases[0].held_back, 1)
      << "no more than all of it";
}

TEST(Summary, WhatDoesNotCountIsValidNowhere) {
  auto summary = summed(run(0, 20), {fault("kill", 3, 4)}, 0, 20);
  mark_invalid(summary, "");
  EXPECT_TRUE(summary.phases[0].valid && summary.phases[1].valid);
  EXPECT_EQ(to_json(summary).find("invalid"), nullptr);
  mark_invalid(summary, "12 requests could not be told of");
  EXPECT_FALSE(summary.phases[0].valid || summary.phases[1].valid);
  EXPECT_EQ(to_json(summary).text("invalid"), "12 requests could not be told of");
}

TEST(SummaryJson, ShowsAClosedLoopAndWhatItTold) {
  auto summary = summed_closed(run(0, 10), {10, at(0), seconds(1)});
  summary.tellers = TellersSummary{10, 2, 1, 7, {{"GET /", 5, 1, "no"}}};
  const Json load = to_json(summary);
  EXPECT_EQ(load.text("loop"), "closed");
  EXPECT_EQ(load.get("told").dump(),
            R"({"users":10,"processes":2,"lost":1,"dropped":7,"requests":[)"
            R"({"name":"GET /","ok":5,"errors":1,"example":"no"}]})");
  EXPECT_NEAR(load.items("phases").at(0).number("held_back", -1), 0.01, 1e-9);
  EXPECT_EQ(to_json(summed(run(0, 10))).find("loop"), nullptr);
}

TEST(Summary, OfNoSamplesClaimsNothing) {
  const auto summary = summed({});
  ASSERT_EQ(summary.phases.size(), 1U);
  EXPECT_EQ(summary.phases[0].due, 0U);
  EXPECT_EQ(
      to_json(summary).dump(),
      R"({"name":"checkout","transport":null,"phases":[{"phase":"steady","due":0,"sent":0,"late":0,"ok":0,)"
      R"("errors":0,"rate":0.0,"latency_s":null,"send_lag_s":null,"valid":true}]})");
}

TEST(Summary, SaysByWhatItWasCarried) {
  LoadSummary summary = summarise("checkout", {}, milliseconds(100), {}, {});
  summary.carried = CarriedBy{"io_uring", "an address", 1.5, {{"our ports ran out", 7}}};
  const Json transport = to_json(summary).get("transport");
  EXPECT_EQ(transport.dump(), R"({"name":"io_uring","why":"an address","cpu_s":1.5,)"
                              R"("unanswered":[{"why":"our ports ran out","requests":7}]})");
}

TEST(SummaryJson, HasTheShapesOfTheResultDocument) {
  const auto summary = summed(run(0, 20, 3, 6), {fault("kill", 3, 4)}, 0, 20);
  const Json load = to_json(summary);
  const Json& phase = load.items("phases").at(0);
  std::string names;
  for (const auto& [name, value] : phase.members()) names += name + " ";
  EXPECT_EQ(names, "phase due sent late ok errors rate latency_s send_lag_s valid ");
  EXPECT_NE(phase.at_pointer("/latency_s/p99.9"), nullptr);
  EXPECT_NE(phase.at_pointer("/send_lag_s/p99"), nullptr);
  const auto utc_of = [](Instant t) { return Utc(t.time_since_epoch()); };
  EXPECT_EQ(to_json(summary.outages.at(0), summary.load, utc_of).dump(),
            R"({"faults":["kill"],"from":"1970-01-01T00:00:02.900000Z",)"
            R"("to":"1970-01-01T00:00:06.010000Z","rto_s":{"lo":2.89,"hi":3.11},)"
            R"("source":"checkout"})");
}

TEST(Summary, CountsWhichCheckFailedHowOftenInEachPhase) {
  auto samples = run(0, 20);
  for (const std::size_t wrong : {10U, 11U, 25U, 150U}) {
    samples[wrong].outcome = SampleOutcome::wrong;
    samples[wrong].failed = wrong == 11U ? 1 : 2;
  }
  LoadWindow window{.first_step = at(0), .end = at(20)};
  window.checks = {"status 2xx", "body_contains 'paid'"};
  const auto summary = summarise("checkout", samples, seconds(5),
                                 std::vector<FaultSpan>{fault("kill", 2, 4)}, window);
  const PhaseSummary& steady = *summary.phase("steady");
  ASSERT_TRUE(steady.failed_checks);
  ASSERT_EQ(steady.failed_checks->size(), 2U);
  EXPECT_EQ(steady.failed_checks->at(0).check, "status 2xx");
  EXPECT_EQ(steady.failed_checks->at(0).times, 1U);
  EXPECT_EQ(steady.failed_checks->at(1).times, 2U);
  EXPECT_EQ(steady.errors, 3U);
  EXPECT_EQ(summary.phase("kill")->failed_checks->at(0).times, 1U);
  EXPECT_EQ(to_json(summary).items("phases").at(1).get("failed_checks").dump(),
            R"([{"check":"body_contains 'paid'","times":1}])");
}

TEST(Summary, WithoutChecksNoneFailed) {
  const auto summary = summed(run(0, 20));
  EXPECT_FALSE(summary.phases[0].failed_checks);
}

TEST(SummaryJson, ALedgerThatWasNotReadBackShowsNothingFound) {
  LedgerSummary ledger;
  ledger.load = "checkout";
  ledger.acknowledged = 5;
  EXPECT_EQ(to_json(ledger).dump(),
            R"({"load":"checkout","acknowledged":5,"unknown":0,"lost":null,"stale":null,)"
            R"("duplicate":null,"phantom":null,"resurrected":null,"corrupt":null,)"
            R"("recovered":null,"rpo_s":null})");
  ledger.read_back = true;
  ledger.phantom = 0;
  ledger.rpo_s = {0.5, 1.5, 0.0, 0.005};
  EXPECT_EQ(to_json(ledger).dump(),
            R"({"load":"checkout","acknowledged":5,"unknown":0,"lost":0,"stale":0,)"
            R"("duplicate":0,"phantom":0,"resurrected":null,"corrupt":0,"recovered":0,)"
            R"("rpo_s":{"best":0.5,"worst":1.5,"hole_s":0.0,"resolution_s":0.005}})");
}

}  // namespace
}  // namespace gameday
