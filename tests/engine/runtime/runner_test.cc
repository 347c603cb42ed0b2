// Whole runs of the runner, without a guardian, on a journal in memory: with a clock that is set,
// and with more to be written down than the journal takes in time.
#include "engine/runtime/runner.h"

#include <atomic>

#include "engine/journal/memory_journal.h"
#include "engine/playbook/load_playbook.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// The machine's, until somebody sets it.
class SettableClock : public SystemClock {
 public:
  Now now() const override {
    Now now = SystemClock::now();
    now.utc += Duration(set_by_.load());
    return now;
  }
  void set_by(Duration d) { set_by_ = d.count(); }

 private:
  std::atomic<Duration::rep> set_by_ = 0;
};

constexpr Rows kRows{test_rows::kFacets, {}, {}, {}, {}};

class RunnerTest : public testing::Test {
 protected:
  // Runs a drill that waits; `meanwhile` is called ten times a second.
  void run(const std::string& waits, const std::function<void(const Drill&)>& meanwhile,
           const std::string& objectives = "") {
    const auto loaded = decode_playbook("/drills/p.yaml",
                                        "gameday: 1\nname: waits\n" + objectives +
                                            "system: { front: { http: \"http://127.0.0.1:1\" } }\n"
                                            "timeline: [ { wait: " +
                                            waits + " } ]\n",
                                        {}, kRows);
    ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
    const auto playbook = std::make_shared<const Playbook>(*loaded.playbook);
    Performer performer({world_.doors(),
                         kRows,
                         world_.secrets(),
                         playbook,
                         "drill",
                         1,
                         world_.private_folder(),
                         "",
                         {}});
    const auto journal = memory_journal(log_, "boot");
    Drill drill(*make_plan(playbook, kRows, "drill", 1, {}));
    RunnerTerms terms{clock_, kRows, *journal, performer, nullptr, {}, {}, meanwhile};
    Inbox inbox;
    Runner runner(drill, terms);
    EXPECT_EQ(runner.run(inbox), RunEnd::closed) << runner.trouble();
    document_ = judge(drill).document;
  }
  std::vector<Json> events(const std::string& type) const {
    std::vector<Json> found;
    for (const auto& line : log_->lines) {
      const auto event = parse_event(line);
      if (event && event->type == type) found.push_back(event->data);
    }
    return found;
  }

  DeedWorld world_;
  SettableClock clock_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  Json document_;
};

TEST_F(RunnerTest, AClockThatIsSetBackIsToldWithoutALoadToo) {
  run("2s", [&](const Drill& drill) {
    if (drill.first_step) clock_.set_by(-hours(1));
  });
  const auto told = events("clock");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NEAR(told[0].number("set_by_s", 0), -3600, 0.5);
  EXPECT_LT(document_.text("started"), document_.text("ended"));
  EXPECT_EQ(document_.text("verdict"), "passed");
}

TEST_F(RunnerTest, AClockThatIsSetAtTheVeryEndIsTold) {
  run("300ms", [&](const Drill& drill) {
    if (drill.phase == Phase::closed) clock_.set_by(hours(1));
  });
  EXPECT_EQ(events("clock").size(), 1U);
}

TEST_F(RunnerTest, HowMuchCountsFollowsFromWhatIsJudged) {
  const auto set = [&](const Drill& drill) {
    if (drill.first_step) clock_.set_by(milliseconds(500));
  };
  run("1500ms", set);
  EXPECT_TRUE(events("clock").empty());
  clock_.set_by({});
  *log_ = MemoryLog();
  run("1500ms", set, "objectives: { rto: 4s }\n");
  EXPECT_EQ(events("clock").size(), 1U);
}

// How many of the events that wait were in the journal when the fault was undone; -1: it was not.
std::atomic<int> kept_events = 0, kept_at_undo = -1;

// A fault that is nothing, and is undone at once.
Result<Undo> prepare(const Deed&, const DeedContext&) { return Undo{"litter", Json::object()}; }
Status inject(const Deed&, const Undo&, const DeedContext&) { return {}; }
Result<Proof> prove(const Deed&, const Undo&, const DeedContext&) { return Proof{true, "it lies"}; }
Status undo(const Undo&, const DeedContext&) {
  kept_at_undo = kept_events.load();
  return {};
}
Result<Proof> gone(const Undo&, const DeedContext&) { return Proof{true, "it is gone"}; }

constexpr FaultRow litter() {
  FaultRow row = test_rows::kLitter;
  row.prepare = prepare;
  row.inject = inject;
  row.prove = prove;
  row.undo = undo;
  row.gone = gone;
  return row;
}
constexpr FaultRow kLitter = litter();
constexpr std::array kFaults{&kLitter};
constexpr Rows kLitterRows{test_rows::kFacets, kFaults, {}, {}, {}};

// On a disk that takes its time, a second for them all.
class SlowJournal : public Journal {
 public:
  SlowJournal(std::unique_ptr<Journal> journal, const Clock& clock)
      : journal_(std::move(journal)), clock_(clock) {}
  Result<std::uint64_t> append(Now now, std::string_view type, const Json& data,
                               Durability durability) override {
    const bool waits = type == "waiting" && ++kept_events % kAtOnce == 0;
    if (waits) (void)clock_.sleep({{}, clock_.in(milliseconds(10))});
    return journal_->append(now, type, data, durability);
  }
  Status flush() override { return journal_->flush(); }
  std::string head() const override { return journal_->head(); }

 private:
  static constexpr int kAtOnce = 100;
  std::unique_ptr<Journal> journal_;
  const Clock& clock_;
};

class RunnerWithABacklog : public RunnerTest {
 protected:
  static constexpr int kBacklog = 10'000;

  // Puts them before the runner once the fault is in force, and asks for a stop behind them.
  void run_and_stop() {
    const auto loaded = decode_playbook("/drills/p.yaml",
                                        "gameday: 1\nname: litters\n"
                                        "system: { front: { http: \"http://127.0.0.1:1\" } }\n"
                                        "timeline: [ { fault: litter, path: yard, for: 60s } ]\n",
                                        {}, kLitterRows);
    ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
    const auto playbook = std::make_shared<const Playbook>(*loaded.playbook);
    Performer performer({world_.doors(),
                         kLitterRows,
                         world_.secrets(),
                         playbook,
                         "drill",
                         1,
                         world_.private_folder(),
                         "",
                         {}});
    SlowJournal journal(memory_journal(log_, "boot"), clock_);
    Drill drill(*make_plan(playbook, kLitterRows, "drill", 1, {}));
    Inbox inbox;
    int stops = 0;
    const Ticker flood = [&](const Drill& now) {
      if (stops > 0 || now.deeds.empty() || !now.deeds.front().proven) return;
      for (int i = 0; i < kBacklog; ++i) {
        inbox.put(Noted{"waiting", Json::object({{"number", i}})});
      }
      stops = 1;
    };
    Runner runner(
        drill,
        {clock_, kLitterRows, journal, performer, nullptr, [&] { return stops; }, {}, flood});
    EXPECT_EQ(runner.run(inbox), RunEnd::closed) << runner.trouble();
    EXPECT_FALSE(inbox.take({})) << "something waits yet";
    document_ = judge(drill).document;
  }
};

TEST_F(RunnerWithABacklog, UndoesBeforeItIsWrittenDownAndWritesAllOfItDown) {
  kept_events = 0;
  kept_at_undo = -1;
  run_and_stop();
  EXPECT_GE(kept_at_undo, 0);
  EXPECT_LT(kept_at_undo, kBacklog / 2) << "the undo stood in the queue";
  const auto told = events("waiting");
  ASSERT_EQ(told.size(), static_cast<std::size_t>(kBacklog));
  for (int i = 0; i < kBacklog; ++i) ASSERT_EQ(told[i].integer("number", -1), i);
  EXPECT_EQ(document_.text("verdict"), "stopped");
  EXPECT_EQ(document_.items("faults").at(0).text("undo"), "undone");
}

}  // namespace
}  // namespace gameday
