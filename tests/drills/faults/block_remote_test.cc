// `block` on a machine behind ssh: a real sshd, real packets, and the way of the undo left open.
#include "drills/systems/packet_rules.h"
#include "drills/systems/remote_rules.h"
#include "tests/drills/ssh_fixture.h"

namespace gameday {

extern const FaultRow block_remote_fault;

namespace {

using namespace std::chrono_literals;

class BlockRemoteOnSsh : public testing::Test {
 protected:
  BlockRemoteOnSsh() {
    world_.set_until({{}, world_.clock().in(3min)});
    world_.add_target("edge", "ssh", facet());
  }
  Json facet() const {
    return Json::object(
        {{"to", "edge-1"}, {"config", machine_.host().config}, {"dead_man", "60s"}});
  }
  Json about(const std::vector<std::string>& addresses, std::int64_t port = 0) const {
    Json list = Json::array();
    for (const auto& address : addresses) list.push(address);
    return Json::object({{"addresses", list}, {"port", port}});
  }
  Result<Undo> prepare(const Json& arguments) {
    deed_.arguments = arguments;
    deed_.arguments.set("lasts_s", lasts_s_);
    return block_remote_fault.prepare(deed_, world_.context(mark_));
  }
  Undo injected(const Json& arguments) {
    const auto undo = prepare(arguments);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = block_remote_fault.inject(deed_, undo.value_or(Undo{}), world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof seen(Result<Proof> proof) {
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Proof proof(const Undo& undo) {
    return seen(block_remote_fault.prove(deed_, undo, world_.context()));
  }
  Proof gone(const Undo& undo) { return seen(block_remote_fault.gone(undo, world_.context())); }
  void expect_undone(const Undo& undo) {
    const auto done = block_remote_fault.undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }
  // The way there is lost while it is blocked, and back once nothing of the deed is there.
  Undo undone_by_the_machine() {
    world_.system().targets.front().facets = Json::object({{"ssh", facet().set("dead_man", "6s")}});
    lasts_s_ = 0;
    const Undo undo = injected(about({"10.77.0.1"}, 80));
    EXPECT_EQ(reaches("10.77.0.2:80"), "silent");
    machine_.stop();
    const std::string folder = "/run/gameday-" + mark_;
    dead_man_ = world_.doors().files.read(folder + "/dead-man").value_or("");
    for (int look = 0; look < 200 && std::filesystem::exists(folder); ++look) {
      (void)world_.clock().sleep({{}, world_.clock().in(100ms)});
    }
    EXPECT_FALSE(std::filesystem::exists(folder));
    EXPECT_EQ(reaches("10.77.0.2:80"), "connected");
    machine_.start();
    return undo;
  }
  void may_be_run(const std::string& name) const {
    std::filesystem::permissions(world_.file(name), std::filesystem::perms::owner_all);
  }
  // Started anew, so that it runs each command that comes by that one.
  void every_command_by(const std::string& command) {
    machine_.stop();
    machine_.write("by", "#!/bin/sh\nexec " + command + "\n");
    may_be_run("by");
    const std::string was = world_.doors().files.read(world_.file("sshd")).value();
    machine_.write("sshd", was + "ForceCommand " + world_.file("by") + "\n");
    machine_.start();
  }
  std::string ruleset() const { return machine_.netns().run({"nft", "list", "ruleset"}); }
  // From here to that machine.
  static std::string reaches(const std::string& address) {
    return ClientInside("/proc/self/ns/net", address).state();
  }

  OwnNetns own_;
  DeedWorld world_;
  SshMachine machine_{world_};
  std::string dead_man_;  // the last one that was seen
  const std::string mark_ = "test-" + std::to_string(getpid());
  ServerInside shop4_{machine_.netns(), "10.77.0.2:80"}, shop6_{machine_.netns(), "[fd77::2]:80"};
  ServerInside ours4_{"/proc/self/ns/net", "10.77.0.1:81"};
  double lasts_s_ = 60;
  Deed deed_{.id = "step", .kind = "block-remote", .target = "edge", .arguments = Json::object()};
};

TEST_F(BlockRemoteOnSsh, StopsBothFamiliesOfThePortAndNothingElse) {
  const std::string before = machine_.netns().rules();
  const Undo undo = prepare(about({"10.77.0.1", "fd77::1"}, 80)).value();
  EXPECT_EQ(machine_.netns().rules(), before) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(block_remote_fault.inject(deed_, undo, world_.context()));
  EXPECT_EQ(reaches("10.77.0.2:80"), "silent");
  EXPECT_EQ(reaches("[fd77::2]:80"), "silent");
  EXPECT_EQ(reaches("10.77.0.2:22"), "connected");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(machine_.netns().rules(), before);
  EXPECT_EQ(reaches("10.77.0.2:80"), "connected");
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, IsProvenByWhoThatMachineCannotReachAnyMore) {
  const Undo undo = injected(about({"10.77.0.1"}, 81));
  const Proof whole = proof(undo);
  EXPECT_TRUE(whole.held) << whole.text;
  EXPECT_EQ(whole.text,
            "IPv4: 10.77.0.1:81 does not answer any more; ssh from 10.77.0.1 goes through");
  // A rule that stands before ours.
  (void)machine_.netns().run({"iptables", "-I", "OUTPUT", "1", "-j", "ACCEPT"});
  (void)machine_.netns().run({"iptables", "-I", "INPUT", "1", "-j", "ACCEPT"});
  EXPECT_EQ(proof(undo).text,
            "IPv4: 10.77.0.1:81 answers all the same; ssh from 10.77.0.1 goes through");
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  EXPECT_EQ(gone(undo).text, "no rule of this deed is there, 10.77.0.1:81 answers again");
  EXPECT_TRUE(machine_.netns().rules().contains("-A OUTPUT -j ACCEPT")) << "it is not ours";
}

TEST_F(BlockRemoteOnSsh, NeverCutsTheWayByWhichItIsUndone) {
  Json everything = Json::object({{"i_mean", "everything"}, {"existing", "cut"}});
  for (const Json& wide : {about({"10.77.0.0/24", "fd77::/64"}), about({"10.77.0.1"}, 22),
                           about({}, 22), everything}) {
    const Undo undo = injected(wide);
    const ClientInside somebody("/proc/self/ns/net", "10.77.0.2:80");
    const auto said = run_there(machine_.host(), "true", {}, world_.context());
    EXPECT_TRUE(said) << wide.dump() << ": " << (said ? "" : said.error().text);
    EXPECT_TRUE(proof(undo).text.ends_with("ssh from 10.77.0.1 goes through"));
    expect_undone(undo);
  }
}

TEST_F(BlockRemoteOnSsh, NeverCutsAWayOfSixEither) {
  std::string config = world_.doors().files.read(world_.file("config")).value();
  machine_.write("config", config.replace(config.find("10.77.0.2"), 9, "fd77::2"));
  const Undo undo = injected(Json::object({{"i_mean", "everything"}}));
  EXPECT_EQ(reaches("10.77.0.2:22"), "silent") << "we do not come that way";
  const ClientInside somebody("/proc/self/ns/net", "[fd77::2]:80");
  EXPECT_TRUE(proof(undo).text.ends_with("ssh from fd77::1 goes through")) << proof(undo).text;
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, OfOthersTheSshIsStoppedAsAnythingElse) {
  const Undo undo = injected(Json::object({{"i_mean", "everything"}}));
  EXPECT_EQ(reaches("10.77.0.2:80"), "silent");
  EXPECT_EQ(reaches("[fd77::2]:22"), "silent") << "we do not come that way";
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, WhereNobodyComesToUndoItTheMachineDoes) {
  const std::string before = machine_.netns().rules();
  const Undo undo = undone_by_the_machine();
  EXPECT_EQ(machine_.netns().rules(), before);
  EXPECT_FALSE(proof(undo).held) << "what has ended by itself is not in force";
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, AChainThatIsMadeForItGoesAgainWhoeverUndoesIt) {
  for (const char* table : {"ip", "ip6"}) {
    (void)machine_.netns().run({"nft", "add", "table", table, "filter"});
  }
  const std::string before = ruleset();
  const Undo undo = injected(about({"10.77.0.1", "fd77::1"}, 80));
  EXPECT_TRUE(ruleset().contains("chain INPUT")) << ruleset();
  expect_undone(undo);
  EXPECT_EQ(ruleset(), before);
  EXPECT_EQ(undo.arguments.get("made").dump(),
            R"({"IPv4":["INPUT","OUTPUT"],"IPv6":["INPUT","OUTPUT"]})");
  undone_by_the_machine();
  EXPECT_EQ(ruleset(), before);
}

TEST_F(BlockRemoteOnSsh, AChainThatWasThereBeforeStaysWhoeverUndoesIt) {
  // One that is empty, and one with rules of others; OUTPUT is there in one family alone.
  (void)machine_.netns().run({"iptables", "-A", "INPUT", "-s", "192.0.2.1", "-j", "DROP"});
  (void)machine_.netns().run({"ip6tables", "-A", "INPUT", "-s", "2001:db8::1", "-j", "DROP"});
  (void)machine_.netns().run({"ip6tables", "-A", "OUTPUT", "-j", "ACCEPT"});
  (void)machine_.netns().run({"ip6tables", "-F", "OUTPUT"});
  (void)machine_.netns().run({"nft", "add", "set", "ip", "filter", "theirs", "{", "type",
                              "ipv4_addr", ";", "elements", "=", "{", "192.0.2.7", "}", ";", "}"});
  const std::string before = ruleset();
  EXPECT_TRUE(before.contains("chain OUTPUT") && before.contains("192.0.2.7")) << before;
  expect_undone(injected(about({"10.77.0.1", "fd77::1"}, 80)));
  EXPECT_EQ(ruleset(), before);
  undone_by_the_machine();
  EXPECT_EQ(ruleset(), before);
}

TEST_F(BlockRemoteOnSsh, AChainThatOthersHaveComeToUseStays) {
  const Undo undo = injected(about({"10.77.0.1", "fd77::1"}, 80));
  (void)machine_.netns().run({"iptables", "-A", "OUTPUT", "-d", "192.0.2.1", "-j", "DROP"});
  (void)machine_.netns().run({"ip6tables", "-P", "INPUT", "DROP"});
  expect_undone(undo);
  const std::string there = ruleset();
  EXPECT_TRUE(there.contains("ip daddr 192.0.2.1") && there.contains("policy drop")) << there;
}

TEST_F(BlockRemoteOnSsh, WhereNoNftTellsAllChainsStay) {
  every_command_by(
      "unshare --mount sh -c 'for f in /usr/sbin/nft /sbin/nft; do mount "
      "--bind /dev/null $f; done; exec sh -c \"$SSH_ORIGINAL_COMMAND\"'");
  const Undo undo = injected(about({"10.77.0.1"}, 80));
  EXPECT_EQ(undo.arguments.get("made").dump(), R"({"IPv4":[]})");
  expect_undone(undo);
  EXPECT_TRUE(ruleset().contains("chain INPUT")) << "nobody knows whose it is";
}

TEST_F(BlockRemoteOnSsh, WhatCannotBeAskedForItsRulesIsNotUndone) {
  machine_.write("iptables", "#!/bin/sh\ncase \"$*\" in *'-S GD'*) [ ! -e " + world_.file("busy") +
                                 " ] || exit 4;; esac\nexec /usr/sbin/iptables \"$@\"\n");
  may_be_run("iptables");
  every_command_by("env PATH=" + world_.file("") + ":$PATH sh -c \"$SSH_ORIGINAL_COMMAND\"");
  const Undo undo = injected(about({"10.77.0.1"}, 80));
  machine_.write("busy", "");
  EXPECT_FALSE(block_remote_fault.undo(undo, world_.context()));
  std::filesystem::remove(world_.file("busy"));
  EXPECT_TRUE(proof(undo).held) << "nothing of it was taken away, nor its timer";
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, AMachineThatHasUndoneItLetsTheNextBe) {
  (void)undone_by_the_machine();
  world_.system().targets.front().facets = Json::object({{"ssh", facet()}});
  lasts_s_ = 60;
  const Undo undo = injected(about({"10.77.0.1"}, 81));
  const std::string words = "/proc/" + std::string(trimmed(dead_man_)) + "/cmdline";
  EXPECT_TRUE(eventually([&] { return world_.doors().files.read(words).value_or("").empty(); }));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, ItIsNotProvenWithoutItsDeadMan) {
  const Undo undo = injected(about({"10.77.0.1"}, 81));
  const std::string dead_man =
      world_.doors().files.read("/run/gameday-" + mark_ + "/dead-man").value();
  ASSERT_EQ(kill(std::stoi(dead_man), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return !proof(undo).held; }));
  EXPECT_TRUE(proof(undo).text.contains("nothing there would undo it by itself"));
  expect_undone(undo);
}

TEST_F(BlockRemoteOnSsh, WhatCannotBeDoneThereIsRefusedBeforeAnythingIsTouched) {
  // Whoever logs in is nobody in particular.
  machine_.stop();
  machine_.write("nobody",
                 "#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups sh "
                 "-c \"$SSH_ORIGINAL_COMMAND\"\n");
  std::filesystem::permissions(world_.file("nobody"), std::filesystem::perms::owner_all);
  const std::string was = world_.doors().files.read(world_.file("sshd")).value();
  machine_.write("sshd", was + "ForceCommand " + world_.file("nobody") + "\n");
  machine_.start();
  deed_.arguments = about({"10.77.0.1"}, 80);
  const auto may = block_remote_fault.may(deed_, world_.context());
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
  EXPECT_FALSE(prepare(deed_.arguments));
  // One that does not see by which address we come.
  machine_.stop();
  machine_.write("sshd",
                 was + "ForceCommand unset SSH_CONNECTION; sh -c \"$SSH_ORIGINAL_COMMAND\"\n");
  machine_.start();
  EXPECT_EQ(prepare(deed_.arguments).error().code, ErrorCode::refused);
  // And what would hit all of it without saying so.
  EXPECT_FALSE(prepare(Json::object()));
}

}  // namespace
}  // namespace gameday
