#include "tests/drills/container_fixture.h"
#include "tests/drills/container_use.h"

namespace gameday {

extern const FaultRow oom_kill_fault;

namespace {

class OomKillOnDocker : public ContainerFixture {
 protected:
  OomKillOnDocker() : ContainerFixture(oom_kill_fault) {}
  static Deed within(const std::string& time) {
    return {"fault-1", "oom-kill", "cache", Json::object({{"leave", "7MiB"}, {"within", time}})};
  }
};

TEST_F(OomKillOnDocker, TheKernelEndsItAndTheUndoStartsItAgain) {
  const TestContainer box("", kGrows);
  aim_at(box);
  const std::string started = box.started(), before = memory_limits_of(box);
  const Undo undo = prepared(within("12s"));
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(row_.inject(within("12s"), undo, world_.context()));
  ASSERT_TRUE(eventually([&] { return box.state() == "exited"; }));
  EXPECT_EQ(box.is("{{.State.OOMKilled}} {{.State.ExitCode}}"), "true 137");
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.ends_with("it is exited, exit code 137")) << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(box.state(), "running");
  EXPECT_NE(box.started(), started);
  EXPECT_EQ(memory_limits_of(box), before);
  expect_undone(undo);
}

TEST_F(OomKillOnDocker, ItsEngineStartsItAgainWhereItsPolicySaysSo) {
  const TestContainer box("--restart always", kGrows);
  aim_at(box);
  const std::string started = box.started();
  const Undo undo = injected(within("12s"));
  ASSERT_TRUE(eventually([&] { return box.started() != started && box.state() == "running"; }));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.contains("it was started again")) << bitten.text;
  expect_undone(undo);
  EXPECT_TRUE(eventually([&] { return box.state() == "running"; }));
  EXPECT_EQ(box.policy(), "always");
}

TEST_F(OomKillOnDocker, OneThatWantsNoMoreIsNotEndedAndNotProven) {
  const TestContainer box;
  aim_at(box);
  const std::string started = box.started();
  const Undo undo = injected(within("300ms"));
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.contains("it has not wanted more memory than it is left")) << seen.text;
  expect_undone(undo);
  EXPECT_EQ(box.started(), started);
}

TEST_F(OomKillOnDocker, OneThatSomebodyElseStoppedStaysStopped) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(within("300ms"));
  docker("stop --time 0 " + box.name());
  expect_undone(undo);
  EXPECT_EQ(box.state(), "exited");
}

}  // namespace
}  // namespace gameday
