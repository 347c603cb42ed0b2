#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow stop_container_fault;

namespace {

using namespace std::chrono_literals;

class StopContainerOnDocker : public ContainerFixture {
 protected:
  StopContainerOnDocker() : ContainerFixture(stop_container_fault) {}
  Deed with(const std::string& grace) const { return deed(Json::object({{"grace", grace}})); }
  Duration took(const std::function<void()>& work) const {
    const Instant begun = world_.clock().now().boot;
    work();
    return world_.clock().now().boot - begun;
  }
  std::string begun() const { return world_.private_folder() + "/drill-1.begun"; }
};

TEST_F(StopContainerOnDocker, OneThatHandlesItEndsByItself) {
  const TestContainer box("--restart unless-stopped", kEndsWhenAsked);
  aim_at(box);
  const Undo undo = prepared(with("10s"));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_LT(took([&] { EXPECT_TRUE(row_.inject(with("10s"), undo, world_.context())); }), 8s);
  EXPECT_EQ(box.is("{{.State.Status}} {{.State.ExitCode}}"), "exited 7");
  EXPECT_EQ(box.policy(), "no");
  EXPECT_TRUE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_EQ(box.is("{{.State.Status}} {{.Id}}"), "running " + box.id());
  EXPECT_EQ(box.policy(), "unless-stopped");
  EXPECT_FALSE(std::filesystem::exists(begun()));
}

TEST_F(StopContainerOnDocker, OneThatDoesNotEndIsKilledWhenItsGraceIsOver) {
  const TestContainer box("", kDeaf);
  aim_at(box);
  const Undo undo = prepared(with("300ms"));
  EXPECT_GE(took([&] { EXPECT_TRUE(row_.inject(with("300ms"), undo, world_.context())); }), 300ms);
  EXPECT_EQ(box.is("{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
  expect_undone(undo);
}

TEST_F(StopContainerOnDocker, ItsOwnStopSignalIsSent) {
  const TestContainer box(
      "--stop-signal SIGUSR1",
      "busybox sh -c 'trap \"exit 9\" USR1; while :; do busybox sleep 0.05; done'");
  aim_at(box);
  const Undo undo = injected(with("10s"));
  EXPECT_EQ(box.is("{{.State.ExitCode}}"), "9");
  expect_undone(undo);
}

// It was asked and has not ended: what runs now would end some time after the undo.
TEST_F(StopContainerOnDocker, OneThatIsOnItsWayDownIsBroughtDownFirst) {
  const TestContainer box("", kDeaf);
  aim_at(box);
  const Undo undo = prepared(with("400ms"));
  StopSource stop;
  world_.set_until({stop.stop(), world_.clock().in(30s)});
  std::jthread stopper([&] {
    (void)eventually([&] { return std::filesystem::exists(begun()); });
    (void)world_.clock().sleep({{}, world_.clock().in(100ms)});
    stop.request();
  });
  EXPECT_FALSE(row_.inject(with("400ms"), undo, world_.context()));
  stopper.join();
  world_.set_until({{}, world_.clock().in(30s)});
  const std::string before = box.started();
  EXPECT_EQ(box.state(), "running");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_NE(box.started(), before);
  const std::string once = box.started();
  expect_undone(undo);
  EXPECT_EQ(box.started(), once);
}

TEST_F(StopContainerOnDocker, OneThatSomebodyRemovesIsNamed) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(with("0s"));
  docker("rm " + box.name());
  EXPECT_EQ(row_.undo(undo, world_.context()).error().code, ErrorCode::not_found);
  EXPECT_FALSE(gone(undo).held);
  EXPECT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_FALSE(std::filesystem::exists(begun()));
}

}  // namespace
}  // namespace gameday
