#include "drills/systems/container.h"

#include "tests/drills/docker_fixture.h"
#include "tests/engine/proxy/peers.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow container_probe;

namespace {

class ContainerProbeTest : public ProbeTest {
 protected:
  ContainerProbeTest() : ProbeTest(container_probe) {}
};

class ContainerProbeOnDocker : public ContainerProbeTest {
 protected:
  ContainerProbeOnDocker() { (void)TestEngine::host(); }
  static std::string called(const TestContainer& box) {
    return "container " + box.name() + " (" + box.id().substr(0, 12) + ")";
  }
  static std::string asking(const TestContainer& box, const std::string& expect) {
    return "{ container: { name: " + box.name() + ", expect: { " + expect + " } } }";
  }
};

TEST_F(ContainerProbeOnDocker, OneThatRunsIsGood) {
  const TestContainer box;
  EXPECT_EQ(ask("{ container: " + box.name() + " }").text, called(box) + " is running");
  expect_good("{ container: " + box.name() + " }");
  expect_good(asking(box, "max_restarts: 0, health: none"));
  expect_no(asking(box, "running: false"),
            called(box) + " is running, expected one that does not run");
  expect_no(asking(box, "exists: false"), called(box) + " is there, running, expected none");
}

TEST_F(ContainerProbeOnDocker, OneThatEndedOrIsPausedIsSaidToBe) {
  const TestContainer box;
  docker("pause " + box.name());
  expect_no("{ container: " + box.name() + " }", called(box) + " is paused, expected running");
  docker("unpause " + box.name());
  docker("kill " + box.name());
  expect_no("{ container: " + box.name() + " }",
            called(box) + " is exited, exit code 137, expected running");
  expect_good(asking(box, "running: false"));
  docker("rm " + box.name());
  expect_no("{ container: " + box.name() + " }", "no container has the name " + box.name());
  expect_good(asking(box, "exists: false"));
}

TEST_F(ContainerProbeOnDocker, ItsMemoryIsWhatItsProgramsHoldAndNoMore) {
  const TestContainer box("--tmpfs /held");
  expect_good(asking(box, "memory_at_most: 40MiB"));
  docker("exec " + box.name() + " busybox dd if=/dev/zero of=/held/x bs=1M count=64");
  expect_no_with(asking(box, "memory_at_most: 40MiB"), ", expected at most 40MiB");
  EXPECT_TRUE(
      problem(asking(box, "running: false, memory_at_most: 1MiB")).contains("none of this"));
}

TEST_F(ContainerProbeOnDocker, ItsHealthIsWhatItsOwnCheckSays) {
  const TestContainer box(
      "--health-cmd 'test -e /data/well' --health-interval 200ms --health-retries 1");
  const auto becomes = [&](const std::string& health) {
    return eventually([&] { return ask(asking(box, "health: " + health)).ok; });
  };
  EXPECT_TRUE(becomes("unhealthy"));
  expect_no(asking(box, "health: healthy"),
            called(box) + " is running, unhealthy, expected healthy");
  docker("exec " + box.name() + " busybox touch /data/well");
  EXPECT_TRUE(becomes("healthy"));
  const TestContainer other;
  expect_no(asking(other, "health: healthy"),
            called(other) + " is running, without a health check, expected healthy");
}

TEST_F(ContainerProbeOnDocker, RestartsByItsEngineAreCounted) {
  const TestContainer box("--restart on-failure:1", "busybox sh -c 'exit 3'");
  EXPECT_TRUE(
      eventually([&] { return box.is("{{.RestartCount}} {{.State.Status}}") == "1 exited"; }));
  expect_good(asking(box, "running: false, max_restarts: 1"));
  expect_no(
      asking(box, "running: false, max_restarts: 0"),
      called(box) + " is exited, exit code 3, restarted 1 times by its engine, expected at most 0");
}

TEST_F(ContainerProbeOnDocker, ATargetIsAskedAsItsFacetSays) {
  const std::string label = "gd=" + world_.file("");
  const TestContainer one("--label " + label), two("--label " + label);
  const Json arguments = Json::object({{"name", "cache"}});
  world_.add_target("cache", "container", Json::object({{"label", label}}));
  expect_no(attempt(arguments), "2 containers have the label " + label + ", expected one");
  docker("kill " + one.name());
  EXPECT_EQ(attempt(arguments).text, called(two) + " is running") << "the only one that runs";
  docker("kill " + two.name());
  EXPECT_FALSE(attempt(arguments).ok);
}

TEST_F(ContainerProbeTest, AnEngineThatDoesNotAnswerIsNamed) {
  const OtherHost none("unix:///no/such.sock");
  expect_no("{ container: cache }",
            "the Docker engine at unix:///no/such.sock: no such file or directory");
}

TEST_F(ContainerProbeTest, ExpectationsThatContradictAreRefused) {
  EXPECT_TRUE(problem("{ container: front }").ends_with("target front is no container"));
  EXPECT_NE(problem("{ container: { name: a1, expect: { running: false, health: healthy } } }"),
            "");
  EXPECT_NE(problem("{ container: { name: a1, expect: { exists: false, max_restarts: 1 } } }"), "");
  EXPECT_EQ(problem("{ container: { name: a1, expect: { running: false, max_restarts: 1 } } }"),
            "");
  EXPECT_NE(problem("{ container: { name: a1, expect: { health: fine } } }"), "");
  EXPECT_NE(problem("{ container: { expect: { running: true } } }"), "");
}

}  // namespace
}  // namespace gameday
