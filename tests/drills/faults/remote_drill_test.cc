// Whole drills on a machine behind ssh, as users run them: what is wrong on the way there, or
// lacking there, ends with its exit code before anything is touched; a way that is lost afterwards
// ends as residue that has a name, and that the machine itself takes away.
#include "tests/drills/remote_fixture.h"

namespace gameday {

extern const FaultRow block_remote_fault;

namespace {

using namespace std::chrono_literals;

class RemoteDrillOnSsh : public RemoteFaultOnSsh {
 protected:
  RemoteDrillOnSsh() : RemoteFaultOnSsh(block_remote_fault) { playbook("60s", "2s"); }
  void playbook(const std::string& dead_man, const std::string& hold) const {
    machine_.write("p.yaml",
                   "gameday: 1\nname: remote\nsummary: A machine that is elsewhere.\nowner: tests\n"
                   "system:\n  edge: { ssh: { to: edge-1, config: " +
                       machine_.host().config + ", dead_man: " + dead_man +
                       " } }\nlimits: { targets: 1, duration: 1m }\ntimeline:\n"
                       "  - { fault: block, target: edge, addresses: [10.77.0.1], port: 81, for: " +
                       hold + " }\n");
  }
  Ended gameday(const std::string& command, const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv = {GAMEDAY_BIN_DIR "/../gameday", command};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto ended =
        world_.doors().processes.run({argv, world_.file(""), {}}, world_.context().until);
    EXPECT_TRUE(ended) << (ended ? "" : ended.error().text);
    return ended.value_or(Ended{});
  }
  Ended run() { return gameday("run", {"p.yaml", "--store", world_.file("store.db")}); }
  void expect_not_started(const std::string& why) {
    const Ended ended = run();
    EXPECT_EQ(ended.code, 3) << ended.output;
    EXPECT_TRUE(ended.output.contains(why)) << ended.output;
    EXPECT_FALSE(machine_.netns().rules().contains("GD"));
  }

  ServerInside shop_{"/proc/self/ns/net", "10.77.0.1:81"};
};

TEST_F(RemoteDrillOnSsh, PassesAndLeavesNothingThere) {
  const Ended ended = run();
  EXPECT_EQ(ended.code, 0) << ended.output;
  EXPECT_TRUE(ended.output.contains("10.77.0.1:81 does not answer any more")) << ended.output;
  EXPECT_FALSE(machine_.netns().rules().contains("GD"));
}

TEST_F(RemoteDrillOnSsh, IsNotStartedWhereTheWayThereIsWrong) {
  machine_.know("other");
  expect_not_started("does not show the host key that is known of it");
  machine_.know("host");
  machine_.configure("stranger");
  expect_not_started("lets none of our keys in");
  machine_.configure("user", "  Port 23\n");
  expect_not_started("cannot be reached");
  machine_.configure("user");
  // Nobody answers at all: ssh gives up, or we do.
  (void)machine_.netns().run({"iptables", "-A", "INPUT", "-p", "tcp", "-j", "DROP"});
  expect_not_started("target edge: edge-1 ");
}

TEST_F(RemoteDrillOnSsh, APlanNamesTheRightThatIsLackingThere) {
  machine_.write("nobody",
                 "#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "
                 "\"$SSH_ORIGINAL_COMMAND\"\n");
  std::filesystem::permissions(world_.file("nobody"), std::filesystem::perms::owner_all);
  machine_.stop();
  machine_.write("sshd", files_.read(world_.file("sshd")).value() + "ForceCommand " +
                             world_.file("nobody") + "\n");
  std::filesystem::permissions(world_.file(""), std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  std::filesystem::permissions(
      world_.file("nobody"),
      std::filesystem::perms::others_exec | std::filesystem::perms::others_read,
      std::filesystem::perm_options::add);
  machine_.start();
  const Ended plan = gameday("plan", {"p.yaml"});
  EXPECT_TRUE(plan.output.contains("REFUSED: ")) << plan.output;
  expect_not_started("edge-1: ");
}

TEST_F(RemoteDrillOnSsh, AWayThatIsLostIsResidueUntilTheMachineHasUndoneItself) {
  playbook("20s", "12s");
  std::jthread cutter([&] {
    in_time([&] { return machine_.netns().rules().contains("GD"); });
    (void)world_.clock().sleep({{}, world_.clock().in(6s)});
    machine_.netns().ip({"link", "set", "west", "down"});
  });
  const Ended lost = run();
  EXPECT_EQ(lost.code, 5) << lost.output;
  EXPECT_TRUE(lost.output.contains("edge-1")) << lost.output;
  EXPECT_TRUE(in_time([&] { return !machine_.netns().rules().contains("GD"); }));
  machine_.netns().ip({"link", "set", "west", "up"});
  const Ended reverted = gameday("revert", {"--store", world_.file("store.db")});
  EXPECT_EQ(reverted.code, 0) << reverted.output;
}

}  // namespace
}  // namespace gameday
