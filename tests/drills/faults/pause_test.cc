#include <sys/wait.h>

#include <fstream>

#include "drills/systems/standstill.h"
#include "tests/drills/process_fixture.h"

namespace gameday {

extern const FaultRow pause_fault;

namespace {

using namespace std::chrono_literals;

class PauseTest : public ProcessFixture {
 protected:
  static Deed pausing() { return {"fault-1", "pause", "west", Json::object()}; }
  Undo prepared() {
    const auto undo = pause_fault.prepare(pausing(), context());
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Undo paused() {
    const Undo undo = prepared();
    const auto injected = pause_fault.inject(pausing(), undo, context());
    EXPECT_TRUE(injected) << injected.error().text;
    return undo;
  }
  Proof proven(const Undo& undo) {
    return pause_fault.prove(pausing(), undo, context()).value_or(Proof{});
  }
  Proof gone(const Undo& undo) { return pause_fault.gone(undo, context()).value_or(Proof{}); }
  // As the guardian calls it: with the undo's arguments alone.
  Status undone(const Undo& undo) {
    const System nothing;
    return pause_fault.undo(undo, {doors_, nothing, secrets_, "01J", mark_, "", within(10s)});
  }
  // One that runs all the time, so that it shows when it does not.
  ProcessId start_busy() {
    const auto id = start({"sh", "-c", "while :; do :; done"});
    write_pid(id.pid);
    return id;
  }
  bool stopped(const ProcessId& id) const {
    const auto activity = activity_of(id, doors_);
    return activity && activity->stopped;
  }
  void stop_it_ourselves(const ProcessId& id) const {
    ASSERT_TRUE(doors_.processes.signal(id, SIGSTOP));
    ASSERT_TRUE(comes_true([&] { return stopped(id); }));
  }
  bool runs(const ProcessId& id) const {
    const auto before = activity_of(id, doors_);
    return before && comes_true([&] { return activity_of(id, doors_)->ran > before->ran; });
  }
};

TEST_F(PauseTest, HoldsStillAndLetsGoOn) {
  const auto id = start_busy();
  ASSERT_TRUE(runs(id));
  const Undo undo = prepared();
  const auto before = proven(undo);
  EXPECT_FALSE(before.held);
  EXPECT_TRUE(before.text.contains("has run meanwhile")) << before.text;
  ASSERT_TRUE(pause_fault.inject(pausing(), undo, context()));
  EXPECT_TRUE(stopped(id));
  EXPECT_TRUE(proven(undo).held);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(runs(id));
  EXPECT_TRUE(std::filesystem::is_empty(file("private")));
}

TEST_F(PauseTest, OneThatIsStoppedAlreadyIsRefusedAndLeftSo) {
  const auto id = start_busy();
  stop_it_ourselves(id);
  const auto undo = pause_fault.prepare(pausing(), context());
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::conflict);
  EXPECT_TRUE(stopped(id));
}

TEST_F(PauseTest, WhatSomebodyElseHasStoppedIsNeverLetGoOn) {
  const auto id = start_busy();
  const Undo undo = prepared();
  stop_it_ourselves(id);
  EXPECT_EQ(pause_fault.inject(pausing(), undo, context()).error().code, ErrorCode::conflict);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(stopped(id));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(gone(undo).text.contains("somebody else")) << gone(undo).text;
}

TEST_F(PauseTest, AnUndoThatIsRepeatedLetsNobodyElsesStopEnd) {
  const auto id = start_busy();
  const Undo undo = paused();
  ASSERT_TRUE(undone(undo));
  stop_it_ourselves(id);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(stopped(id));
}

TEST_F(PauseTest, WhoStoppedItIsNotGuessedWithoutThePrivateFolder) {
  start_busy();
  const Undo undo = paused();
  std::filesystem::rename(file("private"), file("elsewhere"));
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(gone(undo).held);
  std::filesystem::rename(file("elsewhere"), file("private"));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(PauseTest, OneThatEndsWhilePausedIsUndoneWithIt) {
  const auto id = start_busy();
  const Undo undo = paused();
  end(id);
  EXPECT_FALSE(proven(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(std::filesystem::is_empty(file("private")));
}

TEST_F(PauseTest, OneThatEndedBeforeIsNotProven) {
  const auto id = start_busy();
  const Undo undo = prepared();
  end(id);
  EXPECT_EQ(pause_fault.inject(pausing(), undo, context()).error().code, ErrorCode::conflict);
  EXPECT_FALSE(proven(undo).held);
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(PauseTest, AnotherBootHasTakenThePauseWithIt) {
  const auto id = start_busy();
  Undo undo = paused();
  Json process = undo.arguments.get("process");
  undo.arguments.set("process", process.set("boot", "another"));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(stopped(id)) << "a process of this boot was let go on by an undo of another";
}

TEST_F(PauseTest, WhatGamedayRunsUnderIsRefused) {
  write_pid(getpid());
  EXPECT_EQ(pause_fault.prepare(pausing(), context()).error().code, ErrorCode::refused);
}

TEST_F(PauseTest, AThreadThatRunsIsNoStandstill) {
  const auto id = start_busy();
  const auto before = activity_of(id, doors_);
  EXPECT_FALSE(before->stopped);
  EXPECT_EQ(activity_of({id.boot, id.pid, id.start + 1}, doors_).error().code,
            ErrorCode::not_found);
}

// In a control group of this test's own, of either version; skipped where no such group can be
// made.
class FrozenTest : public PauseTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    const std::string name = "/gameday-test-" + std::to_string(getpid());
    const std::string bases[] = {"/sys/fs/cgroup/freezer", "/sys/fs/cgroup/unified",
                                 "/sys/fs/cgroup"};
    for (const auto& base : std::span(bases).subspan(GetParam() == 1 ? 0 : 1)) {
      std::error_code error;
      if (std::filesystem::create_directory(base + name, error) && exists(base + name)) {
        group_ = base + name;
        break;
      }
      std::filesystem::remove(base + name, error);
    }
    if (group_.empty()) GTEST_SKIP() << "no freezer of version " << GetParam() << " here";
  }
  void TearDown() override {
    if (group_.empty()) return;
    (void)set_frozen(freezer(), false, doors_);
    for (const auto& facts : targets()) end(facts.id);
    EXPECT_TRUE(removed()) << group_;
  }
  bool removed() const {
    return comes_true([&] { return rmdir(group_.c_str()) == 0 || errno == ENOENT; });
  }
  bool exists(const std::string& group) const {
    return files_.exists(group + (GetParam() == 1 ? "/freezer.state" : "/cgroup.freeze"));
  }
  Freezer freezer() const { return {GetParam(), group_}; }
  void join(pid_t pid) const {
    std::ofstream procs(group_ + "/cgroup.procs");
    procs << pid << std::flush;
    ASSERT_TRUE(procs);
  }
  ProcessId start_inside() {
    const auto id = start_busy();
    join(id.pid);
    return id;
  }
  std::string group_;
};

TEST_P(FrozenTest, AGroupOfItsOwnIsFrozen) {
  const auto id = start_inside();
  const Undo undo = paused();
  EXPECT_EQ(undo.arguments.get("freezer").text("folder"), group_);
  EXPECT_EQ(frozen(freezer(), doors_), Frozen::yes);
  EXPECT_FALSE(stopped(id)) << "it was signalled too";
  EXPECT_TRUE(proven(undo).held) << proven(undo).text;
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(frozen(freezer(), doors_), Frozen::no);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(runs(id));
}

TEST_P(FrozenTest, AGroupWithAStrangerInItIsLeftAlone) {
  const auto stranger = start({"sh", "-c", "while :; do :; done"});
  join(stranger.pid);
  const auto id = start_inside();
  const Undo undo = paused();
  EXPECT_EQ(frozen(freezer(), doors_), Frozen::no);
  EXPECT_TRUE(stopped(id));
  EXPECT_TRUE(runs(stranger));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(runs(id));
}

TEST_P(FrozenTest, AStrangerThatComesInMeanwhileKeepsItFromBeingFrozen) {
  const auto id = start_inside();
  const Undo undo = prepared();
  join(start({"sh", "-c", "while :; do :; done"}).pid);
  EXPECT_EQ(pause_fault.inject(pausing(), undo, context()).error().code, ErrorCode::conflict);
  EXPECT_TRUE(runs(id));
  ASSERT_TRUE(undone(undo));
}

TEST_P(FrozenTest, ItsChildrenAreFrozenWithIt) {
  const auto id = start({"sh", "-c", "echo $$ > leader; sh -c 'while :; do :; done' & wait"});
  write_pid(id.pid);
  ASSERT_TRUE(comes_true([&] { return targets().size() == 2; }));
  ProcessId child;
  for (const auto& facts : targets()) {
    join(facts.id.pid);
    if (facts.id.pid != id.pid) child = facts.id;
  }
  const Undo undo = paused();
  EXPECT_TRUE(proven(undo).held);
  const auto before = activity_of(child, doors_);
  EXPECT_EQ(activity_of(child, doors_)->ran, before->ran);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(runs(child));
}

TEST_P(FrozenTest, OneThatIsFrozenAlreadyIsRefusedAndLeftSo) {
  start_inside();
  ASSERT_TRUE(set_frozen(freezer(), true, doors_));
  ASSERT_TRUE(comes_true([&] { return frozen(freezer(), doors_) == Frozen::yes; }));
  EXPECT_EQ(pause_fault.prepare(pausing(), context()).error().code, ErrorCode::conflict);
  EXPECT_EQ(frozen(freezer(), doors_), Frozen::yes);
}

TEST_P(FrozenTest, AGroupThatIsGoneHasTakenThePauseWithIt) {
  const auto id = start_inside();
  const Undo undo = paused();
  ASSERT_TRUE(set_frozen(freezer(), false, doors_));
  end(id);
  ASSERT_TRUE(removed());
  EXPECT_EQ(frozen(freezer(), doors_), Frozen::no_group);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  group_.clear();
}

INSTANTIATE_TEST_SUITE_P(Versions, FrozenTest, testing::Values(1, 2),
                         [](const auto& version) { return "v" + std::to_string(version.param); });

}  // namespace
}  // namespace gameday
