#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow kill_container_fault;

namespace {

class KillContainerOnDocker : public ContainerFixture {
 protected:
  KillContainerOnDocker() : ContainerFixture(kill_container_fault) {}
};

TEST_F(KillContainerOnDocker, ItsProcessIsGoneAndTheSameContainerComesBack) {
  const TestContainer box;
  aim_at(box);
  const std::string pid = box.is("{{.State.Pid}}");
  const Undo undo = prepared(deed());
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(row_.inject(deed(), undo, world_.context()));
  EXPECT_EQ(box.state(), "exited");
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid));
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held);
  EXPECT_TRUE(bitten.text.ends_with("exit code 137, and its process " + pid + " is gone"))
      << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(box.state(), "running");
  EXPECT_EQ(box.is("{{.Id}}"), box.id());
  const std::string once = box.started();
  expect_undone(undo);
  EXPECT_EQ(box.started(), once);
}

// Without its policy taken away, `always` would start it again with the engine.
TEST_F(KillContainerOnDocker, ARestartPolicyIsTakenAwayAndPutBack) {
  for (const std::string policy : {"always", "unless-stopped", "on-failure"}) {
    const TestContainer box("--restart " + policy + (policy == "on-failure" ? ":4" : ""));
    aim_at(box);
    const Undo undo = injected(deed());
    EXPECT_EQ(box.policy(), "no");
    EXPECT_TRUE(proof(undo).held);
    expect_undone(undo);
    EXPECT_EQ(box.policy(), policy);
    EXPECT_EQ(box.is("{{.HostConfig.RestartPolicy.MaximumRetryCount}}"),
              policy == "on-failure" ? "4" : "0");
  }
}

TEST_F(KillContainerOnDocker, APolicyThatWasNotPutBackIsNotGone) {
  const TestContainer box("--restart always");
  aim_at(box);
  const Undo undo = injected(deed());
  docker("start " + box.name());
  const Proof seen = gone(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.ends_with("runs again, without its restart policy always")) << seen.text;
  expect_undone(undo);
}

TEST_F(KillContainerOnDocker, OneThatSomebodyStartsAgainDoesNotHold) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(deed());
  docker("start " + box.name());
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.ends_with("it was started again, by its engine or somebody else"))
      << seen.text;
  expect_undone(undo);
}

TEST_F(KillContainerOnDocker, OneThatWasStartedAnewSinceIsNotTouched) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = prepared(deed());
  docker("restart --time 0 " + box.name());
  const auto done = row_.inject(deed(), undo, world_.context());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
  EXPECT_EQ(box.state(), "running");
}

TEST_F(KillContainerOnDocker, WhatWouldNotComeBackIsRefused) {
  const TestContainer box("--rm");
  aim_at(box);
  const auto removed = row_.prepare(deed(), world_.context());
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::refused);
  EXPECT_TRUE(removed.error().text.contains("--rm")) << removed.error().text;
  const TestContainer paused;
  docker("pause " + paused.name());
  aim_at(paused);
  EXPECT_EQ(row_.prepare(deed(), world_.context()).error().code, ErrorCode::conflict);
}

// Nothing here can make it again, and saying otherwise would be a lie.
TEST_F(KillContainerOnDocker, OneThatSomebodyRemovesIsNamedAsWhatCannotBePutBack) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(deed());
  docker("rm " + box.name());
  const auto done = row_.undo(undo, world_.context());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::not_found);
  EXPECT_TRUE(done.error().text.contains("was removed by somebody else")) << done.error().text;
  EXPECT_FALSE(done.error().hint.empty());
  EXPECT_FALSE(gone(undo).held);
  EXPECT_FALSE(proof(undo).held);
}

TEST_F(KillContainerOnDocker, OneThatSomebodyMakesAnewIsLeftAlone) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(deed());
  docker("rm " + box.name());
  docker("run --detach --name " + box.name() + " gameday-box");
  const std::string once = box.started();
  expect_undone(undo);
  EXPECT_EQ(box.started(), once);
  EXPECT_TRUE(gone(undo).text.contains("is in place of")) << gone(undo).text;
}

TEST_F(KillContainerOnDocker, AnotherEngineIsNotTouched) {
  const TestContainer box;
  aim_at(box);
  Undo undo = injected(deed());
  Undo other = undo;
  other.arguments.set("engine", "ABCD");
  const auto done = row_.undo(other, world_.context());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
  EXPECT_EQ(box.state(), "exited");
  expect_undone(undo);
}

TEST_F(KillContainerOnDocker, AnUndoThatLacksItsContainerIsCorrupt) {
  EXPECT_EQ(row_.undo({"kill-container", Json::object()}, world_.context()).error().code,
            ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
