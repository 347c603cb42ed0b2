// Invariants through a drill: they keep it from beginning, a restore does not verify without them,
// and what verifies last decides.
#include "tests/engine/conductor/course.h"

namespace gameday {
namespace {

using Seen = std::vector<InvariantSeen>;

std::string bank_head() {
  std::string head(kSimHead);
  constexpr std::string_view kStore = "sqlite: run/store.db";
  return head.replace(head.find(kStore), kStore.size(),
                      "sqlite: { path: run/store.db, invariants: [{ name: total, sql: SELECT "
                      "sum(balance) FROM accounts, is: unchanged }] }");
}

InvariantSeen total(const std::string& value, bool holds = true) {
  return {.target = "store",
          .name = "total",
          .must = "unchanged: 100",
          .value = {value, true, false},
          .problem = "",
          .holds = holds};
}
InvariantSeen unread(const std::string& problem) {
  return {.target = "store",
          .name = "total",
          .must = "unchanged",
          .value = {},
          .problem = problem,
          .holds = false};
}

class BankCourse : public Course {
 public:
  explicit BankCourse(std::string_view timeline = kSimTimeline) : Course(timeline, bank_head()) {}

  void begin(const InvariantSeen& seen = total("100")) {
    answer(until(Op::invariants), Seen{seen});
  }
  Judgement ends_with(const InvariantSeen& seen) {
    answer(until(Op::invariants), Seen{seen});
    return finish();
  }
};

bool says(const Judgement& judged, int code, std::string_view words) {
  return std::ranges::any_of(judged.reasons, [&](const Reason& reason) {
    return reason.code == code && reason.text.find(words) != std::string::npos;
  });
}

TEST(Invariants, AreReadFirstAndWhenTheDrillVerifies) {
  BankCourse course;
  const Task first = course.until(Op::invariants);
  EXPECT_EQ(course.drill.phase, Phase::starting) << "something was touched already";
  EXPECT_TRUE(course.drill.loads_running.empty());
  course.answer(first, Seen{total("100")});
  const Task second = course.until(Op::invariants);
  EXPECT_TRUE(course.drill.loads_running.empty()) << "loads still write";
  EXPECT_EQ(course.drill.ledgers.size(), 1u);
  course.answer(second, Seen{total("100")});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 0);
  const auto& readings = judged.document.items("invariants");
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].text("at"), "begin");
  EXPECT_TRUE(readings[0].get("step").is_null());
  EXPECT_EQ(readings[1].text("at"), "verify");
  EXPECT_EQ(readings[1].text("step"), "verify-11");
  EXPECT_EQ(readings[1].text("value"), "100");
}

TEST(Invariants, OneThatDoesNotHoldKeepsTheDrillFromBeginning) {
  BankCourse course;
  course.begin(total("90", false));
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 3);
  EXPECT_TRUE(says(judged, 3, "invariant total of store: expected unchanged: 100, but it is 90"));
  EXPECT_FALSE(course.drill.first_step);
  EXPECT_EQ(course.drill.phase, Phase::closed);
}

TEST(Invariants, OneThatCannotBeReadKeepsTheDrillFromBeginning) {
  BankCourse course;
  course.begin(unread("no such table"));
  EXPECT_TRUE(says(course.finish(), 3, "invariant total of store cannot be read: no such table"));
  BankCourse defect;
  defect.refuse(defect.until(Op::invariants), ErrorCode::failed, "a defect");
  const auto judged = defect.finish();
  EXPECT_EQ(judged.exit_code, 3);
  EXPECT_TRUE(says(judged, 3, "cannot be read: a defect"));
}

TEST(Invariants, AStopWhileTheyAreReadStopsTheDrill) {
  BankCourse course;
  const Task first = course.until(Op::invariants);
  course.stop();
  EXPECT_EQ(course.cancelled, (std::vector<TaskId>{first.id}));
  course.answer(first, Seen{unread("stopped")});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 4);
  EXPECT_FALSE(says(judged, 3, ""));
}

TEST(Invariants, OneThatIsBrokenFailsTheDrill) {
  BankCourse course;
  course.begin();
  const auto judged = course.ends_with(total("90", false));
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_TRUE(says(judged, 1, "invariant total of store: expected unchanged: 100, but it is 90"));
}

TEST(Invariants, OneThatCannotBeReadAnyMoreIsInconclusive) {
  BankCourse course;
  course.begin();
  const auto judged = course.ends_with(unread("no answer within 10s"));
  EXPECT_EQ(judged.exit_code, 6);
  EXPECT_TRUE(says(judged, 6, "cannot be read: no answer within 10s"));
  BankCourse late;
  late.begin();
  late.refuse(late.until(Op::invariants), ErrorCode::timed_out, "too late");
  EXPECT_EQ(late.finish().exit_code, 6);
}

// Without a load there is nothing to read back, and the data all the same.
TEST(Invariants, AreReadAtTheEndOfADrillThatDoesNotSay) {
  std::string head = bank_head();
  const auto load = head.find("load:\n");
  head.erase(load, head.find("probes:\n") - load);
  head.replace(head.find(", success_rate: 90%, latency_p99: 250ms"), 39, "");
  head.replace(head.find("rto: { within: 20s, hold: 1s }, rpo: 0s"), 39,
               "rto: { within: 20s, hold: 1s, from: answers }");
  Course course("\ntimeline:\n  - { fault: kill, target: west, for: 300ms }\n", head);
  course.answer(course.until(Op::invariants), Seen{total("100")});
  course.answer(course.until(Op::invariants), Seen{total("90", false)});
  const auto judged = course.finish();
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_TRUE(judged.document.items("invariants").back().get("step").is_null());
}

// A verify before the restore finds out what the restore then puts right.
TEST(Invariants, TheLastReadingCounts) {
  BankCourse course(R"yaml(
timeline:
  - backup: store
  - { fault: lose-data, target: store, id: lost }
  - { verify: [checkout], id: early }
  - { restore: store, into: place }
)yaml");
  course.begin();
  course.answer(course.until(Op::invariants), Seen{total("90", false)});
  const auto judged = course.ends_with(total("100"));
  EXPECT_FALSE(says(judged, 1, "invariant")) << judged.reasons.front().text;
  EXPECT_TRUE(judged.document.items("invariants").back().boolean("holds", false));
}

TEST(Invariants, OfWhatARestoreBringsBackStandWithItsStep) {
  BankCourse course;
  course.begin();
  Restored broken{false, false, "invariant total of store: broken", Json::object()};
  broken.invariants = {total("90", false)};
  const Task restore = course.until(Op::inject, "restore");
  course.answer(restore, broken);
  const auto judged = course.ends_with(total("100"));
  EXPECT_EQ(judged.exit_code, 1);
  EXPECT_TRUE(says(judged, 1, "does not verify: invariant total of store: broken"));
  const auto& readings = judged.document.items("invariants");
  ASSERT_EQ(readings.size(), 3u);
  EXPECT_EQ(readings[1].text("at"), "restore");
  EXPECT_EQ(readings[1].text("step"), "restore-9");
  EXPECT_FALSE(readings[1].boolean("holds", true));
}

// By the guardian's clock too, which would end a drill that takes longer than it may.
TEST(Invariants, HaveTheTimeThatTheyMayTake) {
  BankCourse course;
  const Task first = course.until(Op::invariants);
  EXPECT_EQ(first.deadline - course.now.boot, std::chrono::seconds(15));
  course.answer(first, Seen{total("100")});
  const auto not_after = [](Course& drill) {
    const Task load = drill.until(Op::prepare, "load");
    const Described deed = describe(drill.drill, Done{load.id, {}, Undo{"load"}});
    return Instant(Duration(deed.data.integer("not_after_ns", 0))) - drill.now.boot;
  };
  Course without;
  EXPECT_EQ(not_after(course) - not_after(without), std::chrono::seconds(30));
}

TEST(Invariants, AreInTheJournal) {
  BankCourse course;
  const Task first = course.until(Op::invariants);
  const Described begun = describe(course.drill, Done{first.id, {}, Seen{total("100")}});
  EXPECT_EQ(begun.type, "invariants");
  EXPECT_EQ(begun.data.text("at"), "begin");
  EXPECT_EQ(begun.data.items("invariants").front().text("name"), "total");
  course.answer(first, Seen{total("100")});
  const Task second = course.until(Op::invariants);
  const Described verified = describe(course.drill, Done{second.id, {}, Seen{total("100")}});
  EXPECT_EQ(verified.data.text("at"), "verify");
  EXPECT_EQ(verified.data.text("step"), "verify-11");
}

TEST(Invariants, ADrillWithoutAnyReadsNone) {
  Course course;
  EXPECT_EQ(course.finish().exit_code, 0);
  EXPECT_FALSE(std::ranges::count(course.types, "invariants"));
  EXPECT_EQ(judge(course.drill).document.find("invariants"), nullptr);
}

TEST(Invariants, StandInThePlan) {
  const BankCourse course;
  const Json plan = to_json(course.drill.plan, sim_rows::kRows);
  const auto& all = plan.items("invariants");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all.front().text("target"), "store");
  EXPECT_EQ(all.front().text("sql"), "SELECT sum(balance) FROM accounts");
  EXPECT_EQ(all.front().text("is"), "unchanged");
  EXPECT_EQ(all.front().number("timeout_s", 0), 10);
  EXPECT_EQ(to_json(Course().drill.plan, sim_rows::kRows).find("invariants"), nullptr);
}

}  // namespace
}  // namespace gameday
