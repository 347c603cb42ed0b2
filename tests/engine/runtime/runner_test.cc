// Whole runs of the runner, without a guardian, on a journal in memory.
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

}  // namespace
}  // namespace gameday
