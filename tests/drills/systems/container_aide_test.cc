// A container beside one that does not run, on a real engine: it has that one's files and nothing
// else of it, and is gone afterwards.
#include "drills/systems/container_aide.h"

#include <unistd.h>

#include <thread>

#include "tests/drills/docker_fixture.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(Unwoven, StreamsComeTogetherInTheirOrder) {
  const std::string stream = std::string("\1\0\0\0\0\0\0\3one\2\0\0\0\0\0\0\3two", 22);
  EXPECT_EQ(unwoven(stream).value(), "onetwo");
  EXPECT_EQ(unwoven("").value(), "");
  EXPECT_EQ(unwoven("plain text, and no frame").error().code, ErrorCode::corrupt);
  EXPECT_EQ(unwoven(stream.substr(0, 12)).error().code, ErrorCode::corrupt);
  EXPECT_EQ(unwoven(stream.substr(0, 10)).value(), "on");
}

class ContainerAideOnDocker : public testing::Test {
 protected:
  ContainerAideOnDocker() {
    (void)TestEngine::host();
    world_.set_until({{}, world_.clock().in(2min)});
  }
  Container beside() { return look_at_container(engine(), dead_.name(), world_.context()).value(); }
  DockerEngine engine() { return DockerEngine::open(world_.context()).value(); }
  DeedContext context() { return world_.context(mark_); }
  // Those of this test's drill, by their label.
  std::string left() const { return docker("ps --all --quiet --filter label=gameday=" + mark_); }

  DeedWorld world_;
  // An aide's name is its drill's, and the tests beside this one have the same engine.
  const std::string mark_ = "drill-" + std::to_string(getpid());
  TestPart volume_{"volume"};
  TestContainer dead_{
      "--label tier=db --publish 127.0.0.1::8080 --volume " + volume_.name() + ":/data",
      "busybox sh -c 'echo kept >/data/file'"};
};

TEST_F(ContainerAideOnDocker, ItHasTheFilesAndNothingElseOfIt) {
  const DockerEngine here = engine();
  const DeedContext context = this->context();
  {
    const auto aide = ContainerAide::make(beside(), here, context);
    ASSERT_TRUE(aide) << aide.error().text;
    const auto said = aide->run(
        {"busybox", "sh", "-c", "cat /data/file; sleep 1; echo x >&2; exit 3"}, "", context);
    ASSERT_TRUE(said) << said.error().text;
    EXPECT_EQ(said->code, 3);
    // Which of the two streams comes first is not said.
    EXPECT_TRUE(said->output == "kept\nx\n" || said->output == "x\nkept\n") << said->output;
    EXPECT_TRUE(aide->run({"no-such-program"}, "", context)->code != 0);
    const std::string mine =
        "inspect --format '{{json .Config.Labels}} "
        "{{json .HostConfig.PortBindings}}' " +
        aide->id();
    EXPECT_EQ(docker(mine), "{\"gameday\":\"" + mark_ + "\"} null");
    EXPECT_EQ(docker("ps --quiet --filter label=tier=db"), "");
  }
  EXPECT_EQ(left(), "");
}

TEST_F(ContainerAideOnDocker, OneThatWasLeftIsReplaced) {
  const DockerEngine here = engine();
  const DeedContext context = this->context();
  docker("run --detach --name gameday-" + mark_ + " gameday-box");
  const auto aide = ContainerAide::make(beside(), here, context);
  ASSERT_TRUE(aide) << aide.error().text;
  EXPECT_EQ(aide->run({"busybox", "true"}, "", context)->code, 0);
}

TEST_F(ContainerAideOnDocker, AStopEndsWhatRunsInItAndIt) {
  const DockerEngine here = engine();
  StopSource stop;
  world_.set_until({stop.stop(), world_.clock().in(1min)});
  const DeedContext context = this->context();
  {
    const auto aide = ContainerAide::make(beside(), here, context);
    ASSERT_TRUE(aide) << aide.error().text;
    std::jthread stopper([&] {
      (void)world_.clock().sleep({{}, world_.clock().in(300ms)});
      stop.request();
    });
    const auto ended = aide->run({"busybox", "sleep", "100"}, "", context);
    EXPECT_FALSE(ended);
  }
  EXPECT_EQ(left(), "");
}

TEST_F(ContainerAideOnDocker, OneThatIsForgottenEndsByItself) {
  const DockerEngine here = engine();
  world_.set_until({{}, world_.clock().in(69s)});
  const DeedContext context = this->context();
  auto aide = ContainerAide::make(beside(), here, context);
  ASSERT_TRUE(aide) << aide.error().text;
  EXPECT_EQ(docker("inspect --format '{{.Config.Cmd}} {{.HostConfig.AutoRemove}}' " + aide->id())
                .substr(0, 2),
            "[7")
      << "it sleeps for what is left of the drill's time, and 10s";
}

}  // namespace
}  // namespace gameday
