// The verdict: every exit code, and which comes before which.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

TEST(Verdict, LostWritesMissAnObjectiveOfNone) {
  Course course;
  course.ledger.lost = 2;
  course.ledger.present -= 2;
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_EQ(judged.document.get("recovery").integer("lost", -1), 2);
}

TEST(Verdict, KeepsTheSupersededCopyWhereDataIsMissing) {
  Course course;
  course.ledger.lost = 1;
  const Task close = course.until(Op::close, "lose-data");
  EXPECT_TRUE(close.keep);
  course.well(close);
  const auto judged = course.finish();
  EXPECT_TRUE(std::ranges::any_of(judged.reasons, [](const Reason& reason) {
    return reason.text.find("/private/copy") != std::string::npos;
  }));
}

TEST(Verdict, WhatTheRecoveryPointAllowsToBeMissingFailsNothing) {
  std::string head(kSimHead);
  constexpr std::string_view kNone = "rpo: 0s";
  head.replace(head.find(kNone), kNone.size(), "rpo: 60s");
  Course course(kSimTimeline, head);
  course.ledger.lost = 1;
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0);
  EXPECT_TRUE(std::ranges::any_of(judged.reasons, [](const Reason& reason) {
    return reason.code == 0 && reason.text.find("/private/copy") != std::string::npos;
  })) << "nobody is told where the copy is";
}

TEST(Verdict, ErasesTheSupersededCopyWhereNothingIsMissing) {
  Course course;
  const Task close = course.until(Op::close, "lose-data");
  EXPECT_FALSE(close.keep);
  course.well(close);
  EXPECT_EQ(course.finish().exit_code, 0);
}

TEST(Verdict, CorruptWritesFail) {
  Course course;
  course.ledger.corrupt = 1;
  EXPECT_EQ(course.finish().exit_code, 1);
}

TEST(Verdict, ALedgerThatWasNotReadIsInconclusive) {
  Course course;
  course.refuse(course.until(Op::read_back));
  EXPECT_EQ(course.finish().exit_code, 6);
}

TEST(Verdict, QueuesThatAreNotEmptyMakeTheRecoveryPointUnknown) {
  Course course(kOpenTimeline);
  course.refuse(course.until(Op::drain), ErrorCode::timed_out, "3 messages");
  EXPECT_EQ(course.finish().exit_code, 6);
}

// No objective counts that phase: it is not valid, and why is said all the same.
TEST(Verdict, APhaseThatTheClockSpoiltIsTold) {
  Course course;
  PhaseSummary spoilt;
  spoilt.phase = "west-killed";
  spoilt.due = 50;
  spoilt.windows = 5;
  spoilt.marked = 2;
  spoilt.valid = false;
  course.load.phases.push_back(spoilt);
  course.load.clock_jumps = 1;
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0);
  ASSERT_EQ(judged.reasons.size(), 2U);
  EXPECT_EQ(judged.reasons[0].text, "every objective held");
  EXPECT_EQ(judged.reasons[1].text,
            "load checkout missed its plan in phase west-killed: 0 of 50 late, 2 of 5 windows "
            "marked, some of them because the clock was set");
}

TEST(Verdict, ALoadThatMissedItsPlanIsInconclusive) {
  Course course;
  auto& steady = course.load.phases.front();
  steady.late = 50;
  steady.valid = false;
  EXPECT_EQ(course.finish().exit_code, 6);
}

TEST(Verdict, AMissedLatencyFails) {
  Course course;
  course.load.phases.front().latency_s.p99 = 0.3;
  EXPECT_EQ(course.finish().exit_code, 1);
}

TEST(Verdict, ALowSuccessRateFails) {
  Course course;
  course.load.phases.front().ok = 80;
  course.load.phases.front().errors = 20;
  EXPECT_EQ(course.finish().exit_code, 1);
}

// With what it measured in the steady phase, and what it held back there.
Judgement judged_closed(double p99, double p999, std::uint64_t ok, double held_back) {
  Course course;
  course.load.closed = true;
  auto& steady = course.load.phases.front();
  steady.latency_s.p99 = p99;
  steady.latency_s.p999 = steady.latency_s.max = p999;
  steady.ok = ok;
  steady.errors = steady.due - ok;
  steady.held_back = held_back;
  return course.finish();
}

// The objectives: 90 % succeed, p99 within 250 ms. All that was held back could have failed.
TEST(Verdict, AClosedLoopShowsThatAnObjectiveIsHeldOnlyAsFarAsItAsked) {
  EXPECT_EQ(judged_closed(0.01, 0.02, 100, 0).exit_code, 0);
  EXPECT_EQ(judged_closed(0.01, 0.02, 100, 0.008).exit_code, 0);
  EXPECT_EQ(judged_closed(0.01, 0.3, 100, 0.005).exit_code, 6) << "0.995 of them are not known";
  EXPECT_EQ(judged_closed(0.01, 0.02, 100, 0.02).exit_code, 6) << "the slowest 2 % never asked";
  EXPECT_EQ(judged_closed(0.01, 0.02, 100, 1).exit_code, 6);
  const auto doubtful = judged_closed(0.01, 0.02, 100, 0.2);
  EXPECT_EQ(doubtful.exit_code, 6);
  int told = 0;
  for (const auto& reason : doubtful.reasons) told += reason.text.contains("is a closed loop");
  EXPECT_EQ(told, 2) << "the success rate and the latency";
}

TEST(Verdict, AClosedLoopShowsThatAnObjectiveIsMissed) {
  EXPECT_EQ(judged_closed(0.3, 0.4, 100, 0.9).exit_code, 1);
  EXPECT_EQ(judged_closed(0.01, 0.02, 80, 0.9).exit_code, 1);
}

TEST(Verdict, ALoadThatDoesNotCountIsInconclusiveWhateverItMeasured) {
  Course course;
  mark_invalid(course.load, "it sent nothing");
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_TRUE(std::ranges::any_of(judged.reasons, [](const Reason& reason) {
    return reason.code == 6 && reason.text == "load checkout does not count: it sent nothing";
  }));
}

Outage outage_of(Duration lo, Duration hi) {
  Outage outage;
  outage.faults = {"lost"};
  outage.from = Instant(std::chrono::seconds(1001));
  outage.to = outage.from + hi;
  outage.lo = lo;
  outage.hi = hi;
  return outage;
}

TEST(Verdict, RecoveryInTimeHolds) {
  Course course;
  course.load.outages = {outage_of(std::chrono::seconds(18), std::chrono::seconds(19))};
  EXPECT_EQ(course.finish().exit_code, 0);
}

TEST(Verdict, RecoveryThatWasSurelyTooLateFails) {
  Course course;
  course.load.outages = {outage_of(std::chrono::seconds(21), std::chrono::seconds(22))};
  EXPECT_EQ(course.finish().exit_code, 1);
}

TEST(Verdict, AnObjectiveInsideTheErrorBarIsInconclusive) {
  Course course;
  course.load.outages = {outage_of(std::chrono::seconds(19), std::chrono::seconds(22))};
  EXPECT_EQ(course.finish().exit_code, 6);
}

const Json& objective_of(const Judgement& judged, std::string_view name) {
  static const Json kNone;
  for (const auto& objective : judged.document.items("objectives")) {
    if (objective.text("name") == name) return objective;
  }
  ADD_FAILURE() << "no " << name;
  return kNone;
}

// The drill's load as 50 users in a closed loop, who asked nothing for so long; success must hold
// for a second.
Judgement judged_of_users(Course& course, Duration gap) {
  course.load.users = UsersSummary{50, 50, gap};
  return course.finish();
}

TEST(Verdict, AClosedLoopIsMarkedWhereverItIsJudgedBy) {
  Course course;
  const auto judged = judged_of_users(course, std::chrono::milliseconds(100));
  EXPECT_EQ(judged.exit_code, 0);
  for (const char* name : {"rto", "latency_p99", "success_rate"}) {
    const Json& objective = objective_of(judged, name);
    EXPECT_TRUE(objective.boolean("closed_loop", false)) << name;
    EXPECT_TRUE(objective.boolean("held", false)) << name;
    EXPECT_EQ(objective.text("why"),
              "load checkout is a closed loop: it asks less while the system is slow");
  }
  Course open;
  const auto of_open = open.finish();
  EXPECT_EQ(objective_of(of_open, "latency_p99").find("closed_loop"), nullptr);
}

TEST(Verdict, WhatNobodyAskedForMayHaveBeenOutForAsLong) {
  Course course;
  const auto judged = judged_of_users(course, std::chrono::milliseconds(900));
  EXPECT_EQ(objective_of(judged, "rto").get("measured").number("hi", 0), 0.9);
  EXPECT_EQ(judged.document.get("recovery").number("rto_s", 0), 0.9);
}

TEST(Verdict, ARecoveryThatNobodyAskedForIsNotJudged) {
  Course course;
  const auto judged = judged_of_users(course, std::chrono::milliseconds(1100));
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_TRUE(objective_of(judged, "rto").get("held").is_null());
  EXPECT_TRUE(objective_of(judged, "rto")
                  .text("why")
                  .starts_with("for 1.1s no user was answered, which is longer than"))
      << objective_of(judged, "rto").text("why");
}

TEST(Verdict, UsersWhoWereNeverThereAreAMissedPlan) {
  Course course;
  course.load.users = UsersSummary{50, 49, std::chrono::milliseconds(100)};
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_TRUE(std::ranges::any_of(judged.reasons, [](const Reason& reason) {
    return reason.text == "load checkout missed its plan: 49 of its 50 users were there by its end";
  }));
}

TEST(Verdict, UsersWhoAskedNothingPassNothing) {
  Course course;
  course.load.users = UsersSummary{50, 50, std::chrono::milliseconds(100)};
  course.load.phases.front() = {};
  course.load.phases.front().phase = "steady";
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_TRUE(std::ranges::any_of(judged.reasons, [](const Reason& reason) {
    return reason.text == "load checkout missed its plan: nobody asked anything";
  }));
}

TEST(Verdict, AnOutageThatIsNotOverIsNotHeld) {
  Course course;
  auto outage = outage_of(std::chrono::seconds(3), std::chrono::seconds(4));
  outage.to.reset();
  course.load.outages = {outage};
  EXPECT_EQ(course.finish().exit_code, 6);
}

TEST(Verdict, AnUnprovenFaultInvalidatesWhatHeld) {
  Course course;
  course.answer(course.until(Op::prove, "kill"), Proof{false, "it runs on", {}});
  const auto judged = course.finish();
  for (const auto& objective : judged.document.items("objectives")) {
    EXPECT_TRUE(objective.get("held").is_null()) << objective.dump();
  }
}

// A fault may be gone, and what the system should have kept through it with it: then that is said.
TEST(Verdict, WhatDidNotComeBackWithAFaultFailsTheDrillByItsName) {
  Course course;
  const Json facts = Json::object({{"lost", "queue jobs was not durable"}});
  course.answer(course.until(Op::look, "kill"), Proof{true, "it is back", facts});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_TRUE(course.drill.residue.empty());
  const auto named = std::ranges::any_of(judged.reasons, [](const Reason& reason) {
    return reason.code == 1 && reason.text.contains("kill") &&
           reason.text.contains("queue jobs was not durable");
  });
  EXPECT_TRUE(named);
}

// A drill that has these reasons, with or without a fault that was injected.
int code_of(const std::vector<int>& codes, bool injected) {
  Drill drill(*make_plan(sim_playbook(), sim_rows::kRows, "01DRILL", 7, {}));
  drill.any_injected = injected;
  for (const int code : codes) {
    if (code == 5) {
      drill.residue.push_back({"something", "do it by hand"});
    } else {
      drill.reasons.push_back({code, "a reason"});
    }
  }
  return judge(drill).exit_code;
}

TEST(Verdict, TakesTheWorstReasonBeforeAnythingIsInjected) {
  EXPECT_EQ(code_of({3}, false), 3);
  EXPECT_EQ(code_of({3, 4}, false), 4);
  EXPECT_EQ(code_of({3, 4, 5}, false), 5);
  EXPECT_EQ(code_of({3, 1}, false), 3);
  EXPECT_EQ(code_of({1}, false), 1);
  EXPECT_EQ(code_of({6}, false), 6);
  EXPECT_EQ(code_of({}, false), 0);
}

TEST(Verdict, TakesTheWorstReasonAfterAFaultWasInjected) {
  EXPECT_EQ(code_of({6}, true), 6);
  EXPECT_EQ(code_of({6, 1}, true), 1);
  EXPECT_EQ(code_of({6, 1, 4}, true), 4);
  EXPECT_EQ(code_of({6, 1, 4, 5}, true), 5);
  EXPECT_EQ(code_of({3}, true), 6);
  EXPECT_EQ(code_of({3, 1}, true), 1);
}

TEST(Verdict, ListsAllReasons) {
  Drill drill(*make_plan(sim_playbook(), sim_rows::kRows, "01DRILL", 7, {}));
  drill.reasons = {{4, "stopped"}, {1, "missed"}};
  EXPECT_EQ(judge(drill).reasons.size(), 2U);
}

}  // namespace
}  // namespace gameday
