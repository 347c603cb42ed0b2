#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow restart_loop_fault;

namespace {

using namespace std::chrono_literals;

class RestartLoopOnDocker : public ContainerFixture {
 protected:
  RestartLoopOnDocker() : ContainerFixture(restart_loop_fault) {}
  Deed each_second() const { return deed(Json::object({{"every", "1s"}})); }
  void pass(Duration d) const { (void)world_.clock().sleep({{}, world_.clock().in(d)}); }
  // What the runtime does from the injection until the undo, for that long.
  void renew_for(const Undo& undo, Duration d) {
    const Instant end = world_.clock().in(d);
    while (world_.clock().now().boot < end) {
      EXPECT_TRUE(row_.renew(undo, world_.context()));
      pass(100ms);
    }
  }
};

TEST_F(RestartLoopOnDocker, ItIsRestartedForAsLongAsItsLeaseIsRenewed) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = prepared(each_second());
  EXPECT_FALSE(proof(undo).held);
  const std::string before = box.started();
  ASSERT_TRUE(row_.inject(each_second(), undo, world_.context()));
  const std::string first = box.started();
  EXPECT_NE(first, before);
  EXPECT_TRUE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held);
  renew_for(undo, 1500ms);
  const std::string second = box.started();
  EXPECT_NE(second, first);
  EXPECT_TRUE(proof(undo).held);
  expect_undone(again(undo));
  const std::string last = box.started();
  EXPECT_FALSE(row_.renew(undo, world_.context())) << "renewed after its undo";
  expect_undone(undo);
  EXPECT_EQ(box.started(), last);
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

// A runner that is dead, or stands still and wakes up later.
TEST_F(RestartLoopOnDocker, ALeaseThatNobodyRenewsEndsForGood) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(each_second());
  const std::string started = box.started();
  pass(2200ms);
  EXPECT_EQ(box.started(), started);
  EXPECT_TRUE(gone(undo).held);
  EXPECT_FALSE(row_.renew(undo, world_.context()));
  EXPECT_EQ(box.started(), started);
  pass(2s);
  const Proof seen = proof(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.ends_with("and not again since")) << seen.text;
  expect_undone(undo);
}

TEST_F(RestartLoopOnDocker, OneThatALostRestartLeftDownIsStarted) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(each_second());
  docker("kill " + box.name());
  expect_undone(undo);
  EXPECT_EQ(box.state(), "running");
  EXPECT_EQ(box.is("{{.Id}}"), box.id());
}

TEST_F(RestartLoopOnDocker, ARestartThatIsStillToComeIsNotGone) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = injected(each_second());
  ASSERT_TRUE(row_.undo(undo, world_.context()));
  std::jthread late([&] {
    pass(100ms);
    const auto engine = DockerEngine::open(world_.context());
    ASSERT_TRUE(engine);
    EXPECT_TRUE(engine->post("/containers/" + box.name() + "/restart?t=0", {}, world_.context()));
  });
  EXPECT_FALSE(gone(undo).held);
  late.join();
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
