#include "tests/drills/container_fixture.h"

namespace gameday {

extern const FaultRow recreate_container_fault;

namespace {

class RecreateContainerOnDocker : public ContainerFixture {
 protected:
  RecreateContainerOnDocker() : ContainerFixture(recreate_container_fault) {}
  // All that its user gave it, by the engine's own tool; of what the engine gave, only that it is
  // there.
  static std::string made_of(const TestContainer& box) {
    std::string all = box.is(
        "{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Labels}} {{.Config.Image}} "
        "{{json .Config.Healthcheck}} {{.Config.User}} {{.Config.StopSignal}} "
        "{{json .HostConfig.RestartPolicy}} {{.HostConfig.Memory}} "
        "{{json .HostConfig.CapAdd}} {{json .HostConfig.ExtraHosts}} {{.HostConfig.NetworkMode}}");
    all += docker(
        "inspect --format '{{range .Mounts}}{{println .Name .Source .Destination .RW}}{{end}}' " +
        box.name() + " | sort");
    return all + " " +
           box.is(
               "{{range $name, $net := .NetworkSettings.Networks}}{{$name}} "
               "{{with $net.IPAMConfig}}{{.IPv4Address}}{{end}} {{len $net.Aliases}} {{end}}");
  }
};

TEST_F(RecreateContainerOnDocker, ItIsGoneAndThenAnotherOneIsThereThatIsTheSame) {
  const TestPart one("network", "--subnet " + own_addresses() + "0/24"), two("network"),
      volume("volume");
  const TestContainer box("--network " + one.name() + " --ip " + own_addresses() +
                          "7 --network-alias store --network-alias db --env PASSWORD=canary "
                          "--label tier=cache --restart on-failure:3 --memory 64m --user 0:0 "
                          "--cap-add NET_ADMIN --add-host far:10.0.0.9 --health-cmd true "
                          "--volume /more --volume " +
                          volume.name() + ":/data:ro --stop-signal SIGINT");
  docker("network connect --alias second " + two.name() + " " + box.name());
  docker("exec " + box.name() + " busybox sh -c 'echo kept > /more/kept; echo lost > /tmp/lost'");
  aim_at(box);
  const std::string before = made_of(box);
  const Undo undo = prepared(deed());
  EXPECT_FALSE(to_json(undo).dump().contains("canary")) << "a secret in the journal";
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(gone(undo).held);
  ASSERT_TRUE(row_.inject(deed(), undo, world_.context()));
  EXPECT_EQ(docker("ps --all --quiet --filter name=" + box.name()), "");
  EXPECT_TRUE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held);
  expect_undone(again(undo));
  EXPECT_NE(box.is("{{.Id}}"), box.id());
  EXPECT_EQ(made_of(box), before);
  EXPECT_EQ(box.is("{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}")
                .find(own_addresses() + "7"),
            0u);
  EXPECT_EQ(box.is("{{.Config.Hostname}}"), box.is("{{.Id}}").substr(0, 12));
  EXPECT_EQ(docker("exec " + box.name() + " busybox cat /more/kept"), "kept");
  EXPECT_EQ(docker("exec " + box.name() + " busybox ls /tmp"), "");
  const std::string once = box.is("{{.Id}} {{.State.StartedAt}}");
  expect_undone(undo);
  EXPECT_EQ(box.is("{{.Id}} {{.State.StartedAt}}"), once);
  EXPECT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

// Each name leads to it there, as others on its network ask.
TEST_F(RecreateContainerOnDocker, ItIsReachedByItsAliasesAsBefore) {
  const TestPart network("network", "--subnet " + own_addresses() + "0/24");
  const std::string on = "--network " + network.name() + " ";
  const TestContainer other(on);
  const TestContainer box(on + "--network-alias store",
                          "busybox sh -c 'while :; do echo hello | busybox nc -l -p 80; done'");
  const auto reached = [&] {
    return docker("exec " + other.name() + " busybox nc -w 2 store 80 </dev/null", true) == "hello";
  };
  EXPECT_TRUE(eventually(reached));
  aim_at(box);
  const Undo undo = injected(deed());
  EXPECT_FALSE(reached());
  expect_undone(undo);
  EXPECT_TRUE(eventually(reached));
}

TEST_F(RecreateContainerOnDocker, AHostsNetworkOrNoneIsKept) {
  for (const std::string mode : {"none", "host"}) {
    const TestContainer box("--network " + mode + " --hostname named");
    aim_at(box);
    const std::string before = made_of(box);
    const Undo undo = injected(deed());
    expect_undone(undo);
    EXPECT_EQ(made_of(box), before);
  }
}

// The name leads to another image by now: what ran is what runs again.
TEST_F(RecreateContainerOnDocker, ItsImageIsTheOneThatItRan) {
  const std::string image = "gd-moved-" + std::to_string(getpid());
  docker("tag gameday-box " + image);
  const std::string name = image + "-box";
  docker("run --detach --name " + name + " " + image);
  world_.add_target("cache", "container", Json::object({{"name", name}}));
  const std::string ran = docker("inspect --format {{.Image}} " + name);
  docker("exec " + name + " busybox touch /newer");
  docker("commit " + name + " " + image);
  const Undo undo = injected(deed());
  expect_undone(undo);
  EXPECT_EQ(docker("inspect --format {{.Image}} " + name), ran);
  docker("rm --force " + name);
  docker("rmi " + image);
}

// Dead after each of its changes: made, joined to its second network, started.
TEST_F(RecreateContainerOnDocker, HalfAnUndoIsFinishedByTheNext) {
  const TestPart one("network"), two("network");
  const TestContainer box("--network " + one.name());
  docker("network connect --alias second " + two.name() + " " + box.name());
  aim_at(box);
  const std::string before = made_of(box);
  int deaths = 0;
  for (bool died = true; died; ++deaths) {
    const Undo undo = injected(deed());
    died = world_.dies_at(deaths, [&] { (void)row_.undo(undo, world_.context()); });
    EXPECT_EQ(gone(undo).held, !died || deaths == 5) << "after change " << deaths;
    expect_undone(undo);
    EXPECT_EQ(made_of(box), before) << "after change " << deaths;
  }
  EXPECT_EQ(deaths, 7) << "before and after each of three changes, and once to the end";
}

TEST_F(RecreateContainerOnDocker, HalfARemovalIsUndone) {
  const TestContainer box;
  aim_at(box);
  const std::string before = made_of(box);
  for (int change = 0; change < 4; ++change) {
    const Undo undo = prepared(deed());
    EXPECT_TRUE(world_.dies_at(change, [&] { (void)row_.inject(deed(), undo, world_.context()); }));
    expect_undone(undo);
    EXPECT_EQ(made_of(box), before) << "after change " << change;
  }
}

// Whoever does it dies before the removal, and the machine does: what it wrote is still there.
TEST_F(RecreateContainerOnDocker, OneThatWasNeverRemovedIsStartedWithWhatItWrote) {
  const TestContainer box;
  docker("exec " + box.name() + " busybox touch /tmp/written");
  aim_at(box);
  const Undo undo = prepared(deed());
  // Behind the note that it is begun.
  EXPECT_TRUE(world_.dies_at(1, [&] { (void)row_.inject(deed(), undo, world_.context()); }));
  docker("kill " + box.name());
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(box.is("{{.Id}}"), box.id());
  EXPECT_EQ(docker("exec " + box.name() + " busybox ls /tmp"), "written");
}

TEST_F(RecreateContainerOnDocker, OneOfSomebodyElsesIsNotStarted) {
  const TestContainer box("--env A=1");
  aim_at(box);
  const Undo undo = injected(deed());
  docker("create --env A=2 --name " + box.name() + " gameday-box");
  const auto done = row_.undo(undo, world_.context());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
  EXPECT_TRUE(done.error().text.contains("was made otherwise: ")) << done.error().text;
  EXPECT_EQ(box.state(), "created");
  EXPECT_FALSE(gone(undo).held);
  docker("rm " + box.name());
  expect_undone(undo);
}

TEST_F(RecreateContainerOnDocker, OneThatSomebodyMakesOtherwiseIsNotSaidToBeBack) {
  const TestContainer box("--env A=1");
  aim_at(box);
  const Undo undo = injected(deed());
  docker("run --detach --env A=2 --name " + box.name() + " gameday-box");
  EXPECT_FALSE(proof(undo).held);
  EXPECT_TRUE(row_.undo(undo, world_.context()));
  const Proof seen = gone(undo);
  EXPECT_FALSE(seen.held);
  EXPECT_TRUE(seen.text.ends_with("create.Env")) << seen.text;
  docker("rm --force " + box.name());
  expect_undone(undo);
}

// The engine tells what is mounted in any order.
TEST_F(RecreateContainerOnDocker, ItIsKnownAgainAtEveryLook) {
  const TestContainer box("--volume /a --volume /b --volume /c --volume /d");
  aim_at(box);
  const Undo undo = prepared(deed());
  for (int look = 0; look < 5; ++look) EXPECT_TRUE(gone(undo).held) << gone(undo).text;
}

TEST_F(RecreateContainerOnDocker, OneWhoseNetworkOthersLiveInIsRefused) {
  const TestContainer box;
  const TestContainer inside("--network container:" + box.name());
  aim_at(box);
  const auto refused = row_.prepare(deed(), world_.context());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_TRUE(refused.error().text.contains(inside.name())) << refused.error().text;
}

TEST_F(RecreateContainerOnDocker, WithoutItsFileNothingIsRemovedOrMade) {
  const TestContainer box;
  aim_at(box);
  const Undo undo = prepared(deed());
  std::filesystem::remove(undo.arguments.text("recipe"));
  EXPECT_FALSE(row_.inject(deed(), undo, world_.context()));
  EXPECT_EQ(box.is("{{.Id}} {{.State.Status}}"), box.id() + " running");
  EXPECT_EQ(row_.undo({"recreate-container", Json::object()}, world_.context()).error().code,
            ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
