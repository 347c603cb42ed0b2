#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow pause_container_fault;

namespace {

class PauseContainerOnDocker : public ContainerFixture {
 protected:
  PauseContainerOnDocker() : ContainerFixture(pause_container_fault) {}
};

TEST_F(PauseContainerOnDocker, NothingOfItRunsAndItGoesOnAsItWas) {
  const TestContainer box("", "busybox sh -c 'while :; do :; done'");
  aim_at(box);
  const std::string started = box.started();
  const Undo undo = prepared(deed());
  const Proof before = proof(undo);
  EXPECT_FALSE(before.held);
  EXPECT_TRUE(before.text.ends_with("has run meanwhile")) << before.text;
  ASSERT_TRUE(row_.inject(deed(), undo, world_.context()));
  EXPECT_EQ(box.state(), "paused");
  const Proof bitten = proof(undo);
  EXPECT_TRUE(bitten.held) << bitten.text;
  EXPECT_TRUE(bitten.text.ends_with("did not run for 60 ms")) << bitten.text;
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(box.state() + box.started(), "running" + started);
  expect_undone(undo);
}

TEST_F(PauseContainerOnDocker, OneThatSomebodyElsePausedIsNotLetGoOn) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = prepared(deed());
  docker("pause " + box.name());
  EXPECT_EQ(row_.prepare(deed(), world_.context()).error().code, ErrorCode::conflict);
  EXPECT_EQ(row_.inject(deed(), undo, world_.context()).error().code, ErrorCode::conflict);
  expect_undone(undo);
  EXPECT_EQ(box.state(), "paused");
  EXPECT_TRUE(gone(undo).text.ends_with("by somebody else, not by this drill")) << gone(undo).text;
}

TEST_F(PauseContainerOnDocker, WithoutItsFolderNobodyKnowsWhosePauseItIs) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(deed());
  std::filesystem::remove_all(world_.private_folder());
  const Proof seen = gone(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.contains("which would tell by whom, is gone")) << seen.text;
}

// The undo has looked, and the engine pauses a moment later.
TEST_F(PauseContainerOnDocker, APauseThatArrivesLateIsUndoneAtTheNextLook) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(deed());
  expect_undone(undo);
  docker("pause " + box.name());
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(box.state(), "running");
  EXPECT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(PauseContainerOnDocker, OneThatEndedOrWasRemovedTookItsPauseWithIt) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(deed());
  docker("kill " + box.name());
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  docker("rm " + box.name());
  expect_undone(undo);
  EXPECT_TRUE(gone(undo).text.ends_with("was removed, and its pause with it"));
}

}  // namespace
}  // namespace gameday
